"""Events as dicts."""

from __future__ import annotations

from celeriac.events import Event, group_from
from celery._remedies import refusals

__all__ = ["Event", "group_from"]

__getattr__ = refusals(__name__)
