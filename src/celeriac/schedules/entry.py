"""When an entry is due: a function of values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any

from celeriac.lib.value import Value
from celeriac.schedules.contract import BaseSchedule, ScheduleError, is_polled, zone_named

MISFIRES = ("skip", "run_once", "run_all")
FRESH = 60.0
"""Under ``misfire="skip"`` a slot later than this (or than ``max_lateness``) was missed; seconds."""
AT_ONCE = 1000
"""So many missed slots are looked at in one go: ``run_all`` sends the rest in the next ones, the others count no further."""

_TICK = timedelta(microseconds=1)
_NEAR = timedelta(seconds=1)


class Timing(Value, frozen=True):
    """When an entry runs.

    ``timezone`` counts where the schedule names none. Nothing runs before ``start`` (intervals count from it, and it is a slot of them) or after
    ``end`` (it may be one). ``jitter`` delays each slot by up to so many seconds, always by the same for the same ``name`` and slot.
    ``misfire`` says what becomes of slots that nobody was there for; what is later than ``max_lateness`` seconds is dropped in any case.
    ``one_off``: only the first slot. ScheduleError when that makes no sense.
    """

    schedule: Any
    timezone: tzinfo | str | None = None
    start: datetime | None = None
    end: datetime | None = None
    jitter: float = 0.0
    misfire: str = "run_once"
    max_lateness: float | None = None
    one_off: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, BaseSchedule):
            raise ScheduleError(f"schedule={self.schedule!r} is no schedule: make one with maybe_schedule()")
        zone_named(self.timezone)
        if self.misfire not in MISFIRES:
            raise ScheduleError(f"misfire={self.misfire!r} is unknown: write one of {', '.join(MISFIRES)}")
        for key in ("jitter", "max_lateness"):
            value = getattr(self, key)
            if value is not None and not value >= 0:
                raise ScheduleError(f"{key}={value!r} is no duration: give seconds from 0 on")
        for key in ("start", "end"):
            value = getattr(self, key)
            if value is not None and value.tzinfo is None:
                raise ScheduleError(f"{key}={value} names no time zone: give an aware datetime")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ScheduleError(f"end={self.end} is before start={self.start}: the entry would never run")

    def slots_after(self, moment: float, created: float) -> Iterator[float]:
        """Yield the slots after a moment, in order; epoch seconds, jitter not counted. ``created`` is when the entry was first seen."""
        return map(datetime.timestamp, self._slots(_aware(moment), _aware(created)))

    def next_runs(self, n: int, after: float, created: float) -> list[datetime]:
        """Return the next slots in the entry's time zone; one for a polled schedule, at which it will be asked."""
        schedule = self._schedule()
        count = 1 if is_polled(schedule) or self.one_off else n
        return [slot.astimezone(schedule.tz) for slot in islice(self._slots(_aware(after), _aware(created)), count)]

    def _schedule(self) -> BaseSchedule:
        schedule: BaseSchedule = self.schedule
        return schedule if self.timezone is None else schedule.within(zone_named(self.timezone))

    def _slots(self, moment: datetime, created: datetime) -> Iterator[datetime]:
        schedule, anchor = self._schedule(), self.start or created
        if self.start is not None:
            moment = max(moment, self.start - _TICK)
        while True:
            slot = schedule.next_after(moment, anchor=anchor)
            if slot is None or (self.end is not None and slot > self.end):
                return
            yield slot
            moment = slot

    def _delayed(self, slot: datetime, following: datetime | None) -> datetime:
        """Return when a slot is fired: later by its jitter, yet before the slot that follows."""
        if not self.jitter:
            return slot
        digest = hashlib.blake2b(f"{self.name}\0{slot.timestamp():.6f}".encode(), digest_size=8).digest()
        room = self.jitter if following is None else min(self.jitter, (following - slot).total_seconds())
        return slot + timedelta(seconds=room * int.from_bytes(digest) / 2**64)


class Due(Value, frozen=True):
    """What to do now about an entry.

    ``slots`` are to be fired now, oldest first (epoch seconds; what identifies a run, so without jitter). ``skipped`` slots were missed and will
    not be fired. ``next`` is when to ask again; None when never. ``reached`` is the last slot that was fired or skipped, the next ``last_slot``.
    """

    slots: tuple[float, ...]
    skipped: int
    next: float | None
    reached: float | None


def due(timing: Timing, last_slot: float | None, created: float, now: float) -> Due:
    """Return which slots of an entry are to be fired now, and when to ask again.

    ``last_slot`` is the last one that was fired or skipped, ``created`` when the entry was first seen, ``now`` the time; epoch seconds.
    """
    if timing.one_off and last_slot is not None:
        return Due((), 0, None, last_slot)
    schedule = timing._schedule()
    born, moment = _aware(created), _aware(now)
    if is_polled(schedule):
        return _polled(timing, schedule, last_slot, born, moment)
    begin = _aware(last_slot) if last_slot is not None else schedule.first_asked(born)
    missed, upcoming = _reached(timing, begin, born, moment)
    if len(missed) == AT_ONCE:
        missed, upcoming = _leapt(timing, missed, upcoming, born, moment)
    fired = _fired(timing, missed, moment)
    reached = missed[-1][0].timestamp() if missed else last_slot
    if timing.one_off and fired:
        return Due((fired[-1].timestamp(),), len(missed) - 1, None, reached)
    return Due(tuple(slot.timestamp() for slot in fired), len(missed) - len(fired), None if upcoming is None else upcoming.timestamp(), reached)


Fired = tuple[datetime, datetime]
"""A slot, and when it is to be fired (later by its jitter)."""


def _reached(timing: Timing, begin: datetime, born: datetime, now: datetime) -> tuple[list[Fired], datetime | None]:
    """Return the slots that are due by now, ``AT_ONCE`` at most, and when the one after them is fired."""
    found: list[Fired] = []
    slots = timing._slots(begin, born)
    slot = next(slots, None)
    while slot is not None:
        following = next(slots, None) if timing.jitter or slot <= now else None
        fire = timing._delayed(slot, following)
        if fire > now or len(found) == AT_ONCE:
            return found, fire
        found.append((slot, fire))
        slot = following
    return found, None


def _leapt(timing: Timing, missed: list[Fired], upcoming: datetime | None, born: datetime, now: datetime) -> tuple[list[Fired], datetime | None]:
    """Leap over very many missed slots to those that may still be fired; the others are not counted further."""
    surely = now - timedelta(seconds=timing.jitter)
    if timing.misfire != "run_all":
        begin = _latest(timing, missed[-1][0], surely, born)
    elif timing.max_lateness is not None:
        begin = surely - timedelta(seconds=timing.max_lateness)
    else:
        begin = missed[-1][0]
    if begin <= missed[-1][0]:
        return missed, upcoming
    last, upcoming = _reached(timing, begin - _TICK, born, now)
    return [*missed[: AT_ONCE - len(last)], *last], upcoming


def _latest(timing: Timing, known: datetime, late: datetime, born: datetime) -> datetime:
    """Return the last slot up to ``late``, or one that is nearly so late."""
    bound = late
    while late - known > _NEAR:
        middle = known + (late - known) / 2
        slot = next(timing._slots(middle, born), None)
        if slot is None or slot > bound:
            late = middle
        else:
            known = slot
    return known


def _fired(timing: Timing, missed: list[Fired], now: datetime) -> list[datetime]:
    oldest = timing.max_lateness if timing.max_lateness is not None else FRESH if timing.misfire == "skip" else None
    kept = [slot for slot, fire in missed if oldest is None or (now - fire).total_seconds() <= oldest]
    return kept if timing.misfire == "run_all" else kept[-1:]


def _polled(timing: Timing, schedule: BaseSchedule, last_slot: float | None, born: datetime, now: datetime) -> Due:
    """Ask a schedule that only knows ``is_due``; what it says to run has the time of asking as its slot."""
    if timing.start is not None and now < timing.start:
        return Due((), 0, timing.start.timestamp(), last_slot)
    if timing.end is not None and now > timing.end:
        return Due((), 0, None, last_slot)
    last = _aware(last_slot) if last_slot is not None else max(born, timing.start or born)
    answer = schedule.is_due_at(last, now)
    again = now.timestamp() + max(0.001, min(answer.next, 366 * 86400.0))
    if not answer.is_due:
        return Due((), 0, again, last_slot)
    return Due((now.timestamp(),), 0, None if timing.one_off else again, now.timestamp())


def _aware(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
