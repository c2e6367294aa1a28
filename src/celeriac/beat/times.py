"""Celery's ``celery.utils.time``, as far as schedulers of others ask for it."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from math import ceil
from zoneinfo import ZoneInfo

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


def is_naive(dt: datetime) -> bool:
    """Tell whether a datetime names no time zone."""
    return dt.utcoffset() is None


def make_aware(dt: datetime, tz: tzinfo) -> datetime:
    """Return a datetime in a time zone; a naive one is taken as being of it."""
    return dt.replace(tzinfo=tz) if is_naive(dt) else dt.astimezone(tz)


def maybe_make_aware(dt: datetime, tz: tzinfo | str | None = None, naive_as_utc: bool = True) -> datetime:
    """Return an aware datetime: a naive one is taken as UTC, or as being of ``tz``, and told in ``tz`` (UTC by default)."""
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz or UTC
    if not is_naive(dt):
        return dt
    return dt.replace(tzinfo=UTC).astimezone(zone) if naive_as_utc else dt.replace(tzinfo=zone)


def humanize_seconds(secs: float, prefix: str = "", sep: str = "", now: str = "now", microseconds: bool = False) -> str:
    """Return seconds in the largest fitting unit: ``humanize_seconds(90, "in ")`` is ``in 1.50 minutes``."""
    for unit, length in _UNITS:
        if secs >= length:
            return f"{prefix}{sep}{secs / length:.2f} {unit}{'' if ceil(secs / length) == 1 else 's'}"
    if microseconds and secs > 0.0:
        return f"{prefix}{sep}{secs:.2f} seconds"
    whole = int(secs)
    return f"{prefix}{sep}{secs:.2f} second{'' if whole == 1 else 's'}" if whole > 0 else now
