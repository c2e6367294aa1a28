"""Wall clocks and moments: both naive here, a wall time as its zone shows it, a moment in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_SECOND = timedelta(seconds=1)


def offset_at(moment: datetime, zone: tzinfo) -> timedelta:
    """Return how far a zone's wall clock is ahead of UTC at a moment."""
    return zone.fromutc(moment.replace(tzinfo=zone)).replace(tzinfo=None) - moment


def utc(moment: datetime) -> datetime:
    """Return an aware moment as a naive one in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def change_between(early: datetime, late: datetime, zone: tzinfo) -> datetime:
    """Return the first moment after ``early`` with the offset that holds at ``late``; to the second."""
    target = offset_at(late, zone)
    steps = -((early - late) // _SECOND)
    low, high = 0, steps
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if offset_at(late - (steps - middle) * _SECOND, zone) == target else (middle, high)
    return late - (steps - high) * _SECOND


def moment_of(wall: datetime, zone: tzinfo) -> datetime:
    """Return when a wall time is reached: the first time when the clock shows it twice, the end of the gap when never."""
    before = wall.replace(tzinfo=zone).utcoffset() or timedelta()
    moment = wall - before
    if zone is UTC or offset_at(moment, zone) == before:
        return moment
    after = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    return change_between(wall - after, moment, zone)
