"""The scheduler's parts, for programs that bring one of their own."""

from __future__ import annotations

from celeriac.beat.names import (
    DEFAULT_MAX_INTERVAL,
    BeatLazyFunc,
    EmbeddedService,
    PersistentScheduler,
    ScheduleEntry,
    Scheduler,
    SchedulingError,
    Service,
    event_t,
    logger,
)
from celery._remedies import refusals

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

__getattr__ = refusals(__name__)
