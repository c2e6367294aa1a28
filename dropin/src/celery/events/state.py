"""What a listener remembers."""

from __future__ import annotations

from celeriac.events.state import State, Task, Worker, heartbeat_expires
from celery._remedies import refusals

__all__ = ["State", "Task", "Worker", "heartbeat_expires"]

__getattr__ = refusals(__name__)
