"""Events."""

from __future__ import annotations

from celeriac.events import Event, EventDispatcher, EventReceiver, group_from
from celeriac.events.state import State

__all__ = ["Event", "EventDispatcher", "EventReceiver", "State", "group_from"]
