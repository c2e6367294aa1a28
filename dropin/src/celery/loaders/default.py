"""Loaders."""

from __future__ import annotations

from celeriac.app.loader import Loader
from celery._remedies import refusals

__all__ = ["Loader"]

__getattr__ = refusals(__name__)
