"""Logging of an application."""

from __future__ import annotations

from celeriac.app.logs import Logging
from celery._remedies import refusals

__all__ = ["Logging"]

__getattr__ = refusals(__name__)
