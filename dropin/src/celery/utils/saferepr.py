"""Bounded representations."""

from __future__ import annotations

from celeriac.lib.saferepr import saferepr
from celery._remedies import refusals

__all__ = ["saferepr"]

__getattr__ = refusals(__name__)
