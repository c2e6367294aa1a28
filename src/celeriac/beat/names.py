"""Celery's names of a scheduler's parts; the drop-in package offers them as ``celery.beat``."""

from __future__ import annotations

from celeriac.beat.celery_entry import ScheduleEntry
from celeriac.beat.celery_scheduler import DEFAULT_MAX_INTERVAL, Scheduler, SchedulingError, event_t, logger
from celeriac.beat.celery_service import EmbeddedService, Service
from celeriac.beat.persistent import PersistentScheduler
from celeriac.beat.sending import BeatLazyFunc

__all__ = [
    "DEFAULT_MAX_INTERVAL",
    "BeatLazyFunc",
    "EmbeddedService",
    "PersistentScheduler",
    "ScheduleEntry",
    "Scheduler",
    "SchedulingError",
    "Service",
    "event_t",
    "logger",
]
