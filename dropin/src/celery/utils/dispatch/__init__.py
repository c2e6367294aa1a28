"""Signals."""

from __future__ import annotations

from celeriac.lib.dispatch import Signal
from celery._remedies import refusals

__all__ = ["Signal"]

__getattr__ = refusals(__name__)
