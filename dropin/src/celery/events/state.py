"""What a listener remembers."""

from __future__ import annotations

from celeriac.events.state import State, Task, Worker, heartbeat_expires

__all__ = ["State", "Task", "Worker", "heartbeat_expires"]
