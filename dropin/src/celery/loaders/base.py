"""Loaders."""

from __future__ import annotations

from celeriac.app.loader import Loader as BaseLoader
from celery._remedies import refusals

__all__ = ["BaseLoader"]

__getattr__ = refusals(__name__)
