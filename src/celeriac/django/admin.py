"""The admin pages: of results, of the schedule and of the outbox."""

from __future__ import annotations

from celeriac.django.entry_admin import PeriodicTaskAdmin
from celeriac.django.outbox_admin import OutboxMessageAdmin
from celeriac.django.result_admin import TaskResultAdmin

__all__ = ["OutboxMessageAdmin", "PeriodicTaskAdmin", "TaskResultAdmin"]
