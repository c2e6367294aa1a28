"""Who sends events."""

from __future__ import annotations

from celeriac.events import EventDispatcher

__all__ = ["EventDispatcher"]
