"""Events, both ends: who tells (``EventDispatcher``), who listens (``EventReceiver``), and what a listener remembers (``State``)."""

from __future__ import annotations

from celeriac.events.dispatcher import EventDispatcher
from celeriac.events.event import Event, group_from
from celeriac.events.receiver import EventReceiver
from celeriac.events.snapshot import Polaroid
from celeriac.events.state import State

__all__ = ["Event", "EventDispatcher", "EventReceiver", "Polaroid", "State", "group_from"]
