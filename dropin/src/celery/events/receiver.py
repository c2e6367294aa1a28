"""Who hears events."""

from __future__ import annotations

from celeriac.events import EventReceiver

__all__ = ["EventReceiver"]
