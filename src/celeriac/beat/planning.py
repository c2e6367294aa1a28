"""When an entry is due: between the pure schedules and the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from celeriac.beat.definition import Definition
from celeriac.contracts.schedule_store import ScheduleRecord
from celeriac.schedules.entry import Due, due

GRACE = 5.0
"""Seconds by which a slot may be late and is still no misfire: within them another scheduler has taken over, and sends them all."""


def plan(definition: Definition, since: float, record: ScheduleRecord, now: float, *, grace: float = GRACE) -> Due:
    """Return what is due of an entry now, whose slots count from ``since`` on."""
    timing = definition.timing
    if timing.misfire != "run_all" and record.next_due is not None and now - record.next_due <= grace:
        timing = timing.replace(misfire="run_all")
    last = None if record.last_run is None or record.last_run < since else record.last_run
    return due(timing, last, since, now)


def first_due(definition: Definition, since: float) -> float | None:
    """Return when an entry is due first that counts from ``since`` on."""
    found = due(definition.timing, None, since, since)
    return found.slots[0] if found.slots else found.next


def moment(seconds: float) -> datetime:
    """Return epoch seconds as a datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def in_words(schedule: Any) -> str:
    """Return what a schedule says."""
    describe = getattr(schedule, "describe", None)
    return str(describe() if describe is not None else schedule)
