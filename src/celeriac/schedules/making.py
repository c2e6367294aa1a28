"""Schedules from what people write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celeriac.schedules.contract import BaseSchedule, ScheduleError
from celeriac.schedules.crontab import crontab
from celeriac.schedules.interval import schedule


def maybe_schedule(
    s: float | timedelta | str | BaseSchedule | Callable[[], Any],
    relative: bool = False,
    app: Any = None,
) -> BaseSchedule:
    """Return a schedule: of seconds, a timedelta, a cron string, a schedule, or a function that returns one of them; ScheduleError otherwise."""
    if isinstance(s, BaseSchedule):
        if app is not None and s._app is None:
            s.app = app
        return s
    if isinstance(s, type):
        raise ScheduleError(f"schedule={s.__name__} is a class: make one of it, such as {s.__name__}(...)")
    if callable(s):
        return maybe_schedule(s(), relative, app)
    if isinstance(s, str):
        return crontab.from_string(s, app=app)
    if isinstance(s, (int, float, timedelta)) and not isinstance(s, bool):
        return schedule(s, relative=relative, app=app)
    raise ScheduleError(f"schedule={s!r} is none: give seconds, a timedelta, a cron string such as '0 4 * * *', or crontab(...) and the like")
