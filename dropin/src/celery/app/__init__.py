"""The application."""

from __future__ import annotations

from celeriac.app import Celeriac as Celery
from celeriac.app import app_or_default, default_app, shared_task
from celeriac.app.parts import bugreport
from celery._remedies import refusals

__all__ = ["Celery", "app_or_default", "bugreport", "default_app", "shared_task"]

__getattr__ = refusals(__name__)
