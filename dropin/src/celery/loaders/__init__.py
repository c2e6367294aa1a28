"""Loaders."""

from __future__ import annotations

from celeriac.app.loader import get_loader_cls
from celery._remedies import refusals

__all__ = ["get_loader_cls"]

__getattr__ = refusals(__name__)
