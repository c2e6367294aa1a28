"""Routing."""

from __future__ import annotations

from celeriac.app.routing import Router
from celery._remedies import refusals

__all__ = ["Router"]

__getattr__ = refusals(__name__)
