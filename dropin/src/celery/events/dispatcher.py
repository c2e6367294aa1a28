"""Who sends events."""

from __future__ import annotations

from celeriac.events import EventDispatcher
from celery._remedies import refusals

__all__ = ["EventDispatcher"]

__getattr__ = refusals(__name__)
