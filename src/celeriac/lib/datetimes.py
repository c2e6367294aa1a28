"""Reading times, and reckoning with them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, tzinfo

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def weekday(name: str) -> int:
    """Return the number of a day of the week, Sunday being 0, by the first letters of its English name."""
    wanted = name[:3].lower()
    for number, day in enumerate(_DAYS):
        if len(wanted) == 3 and day.startswith(wanted):
            return number
    raise KeyError(name)


def maybe_iso8601(dt: datetime | str | None) -> datetime | None:
    """Return a datetime, which may be given as ISO 8601 text."""
    return datetime.fromisoformat(dt) if isinstance(dt, str) else dt


def maybe_timedelta(delta: timedelta | float | None) -> timedelta | None:
    """Return a duration, which may be given in seconds."""
    return timedelta(seconds=delta) if isinstance(delta, (int, float)) else delta


def to_utc(dt: datetime) -> datetime:
    """Return a datetime in UTC; a naive one is taken as being of it."""
    return dt.replace(tzinfo=UTC) if dt.utcoffset() is None else dt.astimezone(UTC)


def localize(dt: datetime, tz: tzinfo) -> datetime:
    """Return an aware datetime in another zone."""
    return dt.astimezone(tz)


def add_seconds_to_datetime(dt: datetime, seconds: float) -> datetime:
    """Return the time so many seconds later, by the clock of UTC: changes of the zone's clocks do not count."""
    return dt + timedelta(seconds=seconds) if dt.tzinfo is None else (dt.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(dt.tzinfo)


def subtract_datetimes(end: datetime, start: datetime) -> timedelta:
    """Return the time that passes between two moments, whatever their zones' clocks do meanwhile."""
    return end.astimezone(UTC) - start.astimezone(UTC) if end.tzinfo and start.tzinfo else end - start


def remaining(start: datetime, ends_in: timedelta, now: datetime | None = None, relative: bool = False) -> timedelta:
    """Return how long it is until ``start + ends_in``; negative when that is past."""
    return start + ends_in - (now or datetime.now(UTC if start.tzinfo else None))


def get_exponential_backoff_interval(factor: int, retries: int, maximum: int, full_jitter: bool = False) -> int:
    """Return the pause before another try, in seconds: ``factor`` doubled with each try, at most ``maximum``, or anything up to that."""
    pause = min(maximum, factor * 2**retries)
    return max(0, random.randint(0, pause) if full_jitter else pause)
