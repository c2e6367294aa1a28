"""Reckoning with time."""

from __future__ import annotations

from celeriac.beat.times import humanize_seconds, is_naive, make_aware, maybe_make_aware
from celeriac.engine.rate_limit import per_second as rate
from celeriac.lib.datetimes import (
    add_seconds_to_datetime,
    get_exponential_backoff_interval,
    localize,
    maybe_iso8601,
    maybe_timedelta,
    remaining,
    subtract_datetimes,
    to_utc,
    weekday,
)
from celery._remedies import refusals

__all__ = [
    "add_seconds_to_datetime",
    "get_exponential_backoff_interval",
    "humanize_seconds",
    "is_naive",
    "localize",
    "make_aware",
    "maybe_iso8601",
    "maybe_make_aware",
    "maybe_timedelta",
    "rate",
    "remaining",
    "subtract_datetimes",
    "to_utc",
    "weekday",
]

__getattr__ = refusals(__name__)
