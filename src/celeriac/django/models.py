"""The tables: of results, of the schedule, and of messages that wait for their transaction."""

from __future__ import annotations

from celeriac.django.entries import PeriodicTask, Scheduler
from celeriac.django.outbox_table import OutboxMessage
from celeriac.django.result_tables import GroupResult, Kept, TaskResult

__all__ = ["GroupResult", "Kept", "OutboxMessage", "PeriodicTask", "Scheduler", "TaskResult"]
