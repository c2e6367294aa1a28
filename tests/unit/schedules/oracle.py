"""What crontabs should do, found by walking real minutes and looking at the wall clock: slow, plain, and sharing no code with what it judges."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Wall = datetime


class Case(NamedTuple):
    """A crontab, and what it means said once more."""

    fields: dict[str, Any]
    matches: Callable[[Wall], bool]
    every_hour: bool = False


def last_day(wall: Wall) -> int:
    return monthrange(wall.year, wall.month)[1]


def working_day(wall: Wall) -> bool:
    return wall.isoweekday() < 6


def nearest_working_day(wall: Wall, day: int) -> bool:
    days = [other for other in range(1, last_day(wall) + 1) if wall.replace(day=other).isoweekday() < 6]
    return day <= last_day(wall) and wall.day == min(days, key=lambda other: (abs(other - day), other))


def _case(matches: Callable[[Wall], bool], **fields: Any) -> Case:
    return Case(fields, matches, fields.get("hour", "*") == "*")


CASES = (
    # In every hour: they follow the elapsed time.
    _case(lambda w: True),
    _case(lambda w: w.minute % 5 == 0, minute="*/5"),
    _case(lambda w: w.minute % 7 == 0, minute="*/7"),
    _case(lambda w: w.minute == 0, minute=0),
    _case(lambda w: w.minute == 30, minute=30),
    _case(lambda w: w.minute in (1, 59), minute="1,59"),
    _case(lambda w: w.minute >= 50 or w.minute <= 10, minute="50-10"),
    _case(lambda w: w.minute in (0, 30) and w.isoweekday() == 7, minute=[0, 30], day_of_week="sun"),
    _case(lambda w: w.minute == 15 and w.isoweekday() == 6, minute=15, day_of_week=6),
    _case(lambda w: w.minute == 0 and w.isoweekday() == 1, minute=0, day_of_week="mon"),
    _case(lambda w: w.minute == 0 and w.day == 1, minute=0, day_of_month=1),
    _case(lambda w: w.minute == 45 and w.day == last_day(w), minute=45, day_of_month="L"),
    _case(lambda w: w.minute == 20 and w.month in (3, 10), minute=20, month_of_year="mar,oct"),
    # At named hours: once for each.
    _case(lambda w: w.minute == w.hour == 0, minute=0, hour=0),
    _case(lambda w: (w.hour, w.minute) == (0, 30), minute=30, hour=0),
    _case(lambda w: (w.hour, w.minute) == (23, 59), minute=59, hour=23),
    _case(lambda w: (w.hour, w.minute) == (1, 0), minute=0, hour=1),
    _case(lambda w: (w.hour, w.minute) == (1, 30), minute=30, hour=1),
    _case(lambda w: (w.hour, w.minute) == (1, 59), minute=59, hour=1),
    _case(lambda w: (w.hour, w.minute) == (2, 0), minute=0, hour=2),
    _case(lambda w: (w.hour, w.minute) == (2, 30), minute=30, hour=2),
    _case(lambda w: (w.hour, w.minute) == (2, 59), minute=59, hour=2),
    _case(lambda w: (w.hour, w.minute) == (3, 0), minute=0, hour=3),
    _case(lambda w: (w.hour, w.minute) == (3, 1), minute=1, hour=3),
    _case(lambda w: (w.hour, w.minute) == (4, 0), minute=0, hour=4),
    _case(lambda w: (w.hour, w.minute) == (12, 0), minute=0, hour=12),
    _case(lambda w: w.minute == 0 and w.hour % 2 == 0, minute=0, hour="*/2"),
    _case(lambda w: w.minute == 30 and w.hour % 3 == 0, minute=30, hour="*/3"),
    _case(lambda w: w.minute == 0 and w.hour in (22, 23, 0, 1, 2), minute=0, hour="22-2"),
    _case(lambda w: w.minute % 15 == 0 and w.hour in (1, 2, 3), minute="*/15", hour="1-3"),
    _case(lambda w: w.hour == 2, hour=2),
    _case(lambda w: w.hour in (0, 23), hour="0,23"),
    _case(lambda w: w.minute % 10 == 0 and w.hour == 1, minute="*/10", hour=1),
    _case(lambda w: w.minute % 20 == 3 and w.hour != 12, minute="3,23,43", hour="13-11"),
    _case(lambda w: (w.hour, w.minute) == (2, 30) and w.isoweekday() == 7, minute=30, hour=2, day_of_week=0),
    _case(lambda w: (w.hour, w.minute) == (2, 15) and working_day(w), minute=15, hour=2, day_of_week="mon-fri"),
    _case(lambda w: (w.hour, w.minute) == (0, 15) and w.isoweekday() in (5, 6, 7, 1), minute=15, hour=0, day_of_week="fri-mon"),
    _case(lambda w: (w.hour, w.minute) == (2, 0) and w.isoweekday() == 7 and w.day > last_day(w) - 7, minute=0, hour=2, day_of_week="sunL"),
    _case(lambda w: (w.hour, w.minute) == (2, 0) and w.isoweekday() == 7 and 8 <= w.day <= 14, minute=0, hour=2, day_of_week="sun#2"),
    _case(lambda w: (w.hour, w.minute) == (1, 0) and w.isoweekday() == 7 and w.day <= 7, minute=0, hour=1, day_of_week="0#1"),
    _case(lambda w: w.minute == w.hour == 0 and w.day == 1, minute=0, hour=0, day_of_month=1),
    _case(lambda w: (w.hour, w.minute) == (2, 30) and w.day == last_day(w), minute=30, hour=2, day_of_month="L"),
    _case(lambda w: (w.hour, w.minute) == (2, 30) and w.day == last_day(w) - 3, minute=30, hour=2, day_of_month="L-3"),
    _case(lambda w: (w.hour, w.minute) == (1, 30) and nearest_working_day(w, 8), minute=30, hour=1, day_of_month="8W"),
    _case(lambda w: (w.hour, w.minute) == (3, 0) and nearest_working_day(w, last_day(w)), minute=0, hour=3, day_of_month="LW"),
    _case(lambda w: (w.hour, w.minute) == (2, 30) and w.day % 2 == 1, minute=30, hour=2, day_of_month="*/2"),
    _case(lambda w: (w.hour, w.minute) == (2, 30) and w.day >= 25 and w.isoweekday() == 7, minute=30, hour=2, day_of_month="25-31", day_of_week=7),
    _case(lambda w: (w.hour, w.minute) == (2, 0) and w.month in (3, 11), minute=0, hour=2, month_of_year="3,11"),
    _case(lambda w: (w.hour, w.minute) == (1, 5) and w.month in (11, 12, 1, 2, 3, 4), minute=5, hour=1, month_of_year="nov-apr"),
    _case(lambda w: (w.hour, w.minute) in ((0, 0), (2, 0)) and w.month % 2 == 0, minute=0, hour={0, 2}, month_of_year="2-12/2"),
)  # fmt: skip


def offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    found = moment.astimezone(zone).utcoffset()
    assert found is not None
    return found


def changes(zone: ZoneInfo, first: int, last: int) -> Iterator[datetime]:
    """Yield the moments from which on a zone has another offset, by looking every twelve hours and then closer."""
    moment, end, half_a_day = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC), timedelta(hours=12)
    before = offset(moment, zone)
    while moment < end:
        after = offset(moment + half_a_day, zone)
        if after != before:
            early = moment
            while offset(early + MINUTE, zone) == before:
                early += MINUTE
            yield early + MINUTE
        moment, before = moment + half_a_day, after


@cache
def _minutes_of(number: int, year: int, month: int, day: int) -> frozenset[int]:
    """Return the matching minutes of a day, each of the day's minutes looked at."""
    midnight = datetime(year, month, day)
    return frozenset(minute for minute in range(1440) if CASES[number].matches(midnight + minute * MINUTE))


def _matches(number: int, wall: Wall) -> bool:
    return wall.hour * 60 + wall.minute in _minutes_of(number, wall.year, wall.month, wall.day)


def walls(begin: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[datetime, Wall]]:
    """Return each minute between two moments with what the clock on the wall shows."""
    count = (end - begin) // MINUTE + 1
    return [(moment, moment.astimezone(zone).replace(tzinfo=None, fold=0)) for moment in (begin + number * MINUTE for number in range(count))]


def expected(number: int, clock: list[tuple[datetime, Wall]]) -> list[datetime]:
    """Return when a case runs; the first two minutes of the clock only prepare it."""
    return list(_elapsed(number, clock) if CASES[number].every_hour else _named(number, clock))


def _elapsed(number: int, clock: list[tuple[datetime, Wall]]) -> Iterator[datetime]:
    return (moment for moment, wall in clock if _matches(number, wall))


def _named(number: int, clock: list[tuple[datetime, Wall]]) -> Iterator[datetime]:
    """Each wall time once: shown again it is passed over, left out it is made up for by the first minute after."""
    latest = clock[0][1] - MINUTE
    for moment, wall in clock:
        if wall > latest:
            left_out = ((wall - latest) // MINUTE) - 1
            if any(_matches(number, latest + step * MINUTE) for step in range(1, left_out + 2)):
                yield moment
            latest = wall
