"""Who hears events."""

from __future__ import annotations

from celeriac.events import EventReceiver
from celery._remedies import refusals

__all__ = ["EventReceiver"]

__getattr__ = refusals(__name__)
