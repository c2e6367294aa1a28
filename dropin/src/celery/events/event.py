"""Events as dicts."""

from __future__ import annotations

from celeriac.events import Event, group_from

__all__ = ["Event", "group_from"]
