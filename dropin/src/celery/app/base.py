"""The application."""

from __future__ import annotations

from celeriac.app.app import Celeriac as Celery

__all__ = ["Celery"]
