"""Events."""

from __future__ import annotations

from celeriac.events import Event, EventDispatcher, EventReceiver, group_from
from celeriac.events.state import State
from celery._remedies import refusals

__all__ = ["Event", "EventDispatcher", "EventReceiver", "State", "group_from"]

__getattr__ = refusals(__name__)
