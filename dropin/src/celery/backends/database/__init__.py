"""What programs ask about Celery's database store."""

from __future__ import annotations

from celeriac.drivers.celery_backend.database import DatabaseBackend, Task, retry, session_cleanup
from celery._remedies import refusals

__all__ = ["DatabaseBackend", "Task", "retry", "session_cleanup"]

__getattr__ = refusals(__name__)
