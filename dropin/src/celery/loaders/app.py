"""Loaders."""

from __future__ import annotations

from celeriac.app.loader import Loader as AppLoader
from celery._remedies import refusals

__all__ = ["AppLoader"]

__getattr__ = refusals(__name__)
