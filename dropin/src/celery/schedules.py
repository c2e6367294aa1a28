"""When tasks run."""

from __future__ import annotations

from celeriac.schedules import BaseSchedule, ParseException, crontab, crontab_parser, maybe_schedule, schedstate, schedule, solar
from celery._remedies import refusals

__all__ = ["BaseSchedule", "ParseException", "crontab", "crontab_parser", "maybe_schedule", "schedstate", "schedule", "solar"]

__getattr__ = refusals(__name__)
