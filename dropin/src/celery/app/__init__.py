"""The application."""

from __future__ import annotations

from celeriac.app import Celeriac as Celery
from celeriac.app import app_or_default, default_app, shared_task

__all__ = ["Celery", "app_or_default", "default_app", "shared_task"]
