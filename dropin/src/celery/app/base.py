"""The application."""

from __future__ import annotations

from celeriac.app.app import Celeriac as Celery
from celery._remedies import refusals

__all__ = ["Celery"]

__getattr__ = refusals(__name__)
