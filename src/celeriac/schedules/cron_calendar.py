"""Which wall times a crontab matches; found by leaping from field to field."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from celeriac.schedules.cron_grammar import DAY_OF_MONTH, DAY_OF_WEEK, HOUR, Field, Rule
from celeriac.schedules.zones import change_between, moment_of, offset_at

_LONGEST_WAIT = 48
"""Years: a 29 February on a given day of the week may be 40 away."""
_KEPT_MONTHS = 64
_TICK = timedelta(microseconds=1)
_DAY = timedelta(hours=24)
_MORE_THAN_A_DAY = timedelta(hours=26)


class Fields(NamedTuple):
    """The five fields as they were understood."""

    minute: Field
    hour: Field
    day_of_week: Field
    day_of_month: Field
    month_of_year: Field


class CronTable:
    """A crontab made ready for questions; shared by all equal ones."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.every_hour = fields.hour.values == HOUR.everything
        self._minutes, self._hours = (_next_of(field.values, size) for field, size in ((fields.minute, 60), (fields.hour, 24)))
        self._months = tuple(sorted(fields.month_of_year.values))
        self._known: dict[tuple[int, int], tuple[int, ...]] = {}

    def after(self, wall: datetime) -> datetime | None:
        """Return the first matching wall time after the given one; None when there is none for half a century."""
        year, month = wall.year, wall.month
        if month in self._months:
            days = self.days(year, month)
            at = bisect_right(days, wall.day)
            if at and days[at - 1] == wall.day:
                found = self._later_that_day(wall)
                if found is not None:
                    return found
            if at < len(days):
                return datetime(year, month, days[at], self._hours[0], self._minutes[0])
        for year, month in self._months_after(wall):
            days = self.days(year, month)
            if days:
                return datetime(year, month, days[0], self._hours[0], self._minutes[0])
        return None

    def _later_that_day(self, wall: datetime) -> datetime | None:
        hour = self._hours[wall.hour]
        minute = self._minutes[wall.minute + 1] if hour == wall.hour else -1
        if minute < 0:
            hour, minute = self._hours[wall.hour + 1], self._minutes[0]
        return datetime(wall.year, wall.month, wall.day, hour, minute) if hour >= 0 else None

    def _months_after(self, wall: datetime) -> Iterator[tuple[int, int]]:
        for year in range(wall.year, min(wall.year + _LONGEST_WAIT, 9999) + 1):
            for month in self._months:
                if year > wall.year or month > wall.month:
                    yield year, month

    def days(self, year: int, month: int) -> tuple[int, ...]:
        """Return the matching days of a month."""
        found = self._known.get((year, month))
        if found is None:
            if len(self._known) >= _KEPT_MONTHS:
                self._known.clear()
            found = self._known[year, month] = _matching_days(self.fields, year, month)
        return found


@lru_cache(maxsize=4096)
def table_of(fields: Fields) -> CronTable:
    """Return the table of a crontab's fields."""
    return CronTable(fields)


def _next_of(values: frozenset[int], size: int) -> tuple[int, ...]:
    """Return for each number up to ``size`` the first value from there on, or -1."""
    return tuple(min((value for value in values if value >= number), default=-1) for number in range(size + 1))


# -- days


def _matching_days(fields: Fields, year: int, month: int) -> tuple[int, ...]:
    first, length = monthrange(year, month)
    # monthrange counts from Monday, cron from Sunday.
    weekday = [(first + day) % 7 for day in range(length + 1)]
    of_month, of_week = fields.day_of_month, fields.day_of_week
    named = {_day_of(rule, weekday) for rule in of_month.rules}
    weekly = {_day_of(rule, weekday) for rule in of_week.rules}
    return tuple(
        day
        for day in range(1, length + 1)
        if (day in of_month.values or day in named) and (weekday[day] in of_week.values or day in weekly)
    )  # fmt: skip


def _day_of(rule: Rule, weekday: list[int]) -> int:
    """Return which day of a month a rule means, 0 when none; ``weekday`` holds the weekday of each day."""
    last = len(weekday) - 1
    if rule.sign == "#":
        first = 1 + (rule.weekday - weekday[1]) % 7
        return _within(first + 7 * (rule.number - 1), last)
    if rule.sign == "L":
        return last - (weekday[last] - rule.weekday) % 7 if rule.weekday >= 0 else max(0, last - rule.number)
    day = _within(rule.number or last, last)
    if day and weekday[day] == 6:
        return day - 1 if day > 1 else day + 2
    if day and weekday[day] == 0:
        return day + 1 if day < last else day - 2
    return day


def _within(day: int, last: int) -> int:
    return day if day <= last else 0


@lru_cache(maxsize=1024)
def why_never(fields: Fields) -> str | None:
    """Return why no day matches, or None when one does."""
    if CronTable(fields).after(datetime(1999, 12, 31, 23, 59)) is not None:
        return None
    anyday = fields._replace(day_of_week=Field(DAY_OF_WEEK.everything))
    if CronTable(anyday).after(datetime(1999, 12, 31, 23, 59)) is None:
        return "day_of_month {day_of_month} never occurs in month_of_year {month_of_year}"
    anyday = fields._replace(day_of_month=Field(DAY_OF_MONTH.everything))
    if CronTable(anyday).after(datetime(1999, 12, 31, 23, 59)) is None:
        return "day_of_week {day_of_week} never occurs in month_of_year {month_of_year}"
    return "day_of_month {day_of_month} is never day_of_week {day_of_week} in month_of_year {month_of_year}"


# -- moments


def slot_after(table: CronTable, moment: datetime, zone: tzinfo) -> datetime | None:
    """Return the first slot after a moment (naive, UTC), by a zone's wall clock.

    Where the clock is put forward or back, a crontab that runs in every hour follows the elapsed time: each minute that the clock shows and that
    matches, shown twice or not at all. Any other runs once for each wall time that it names: the first time when the clock shows it
    twice, at the end of the gap when it is left out.
    """
    return _by_elapsed_time(table, moment, zone) if table.every_hour else _by_named_time(table, moment, zone)


def _by_named_time(table: CronTable, moment: datetime, zone: tzinfo) -> datetime | None:
    wall = table.after(moment + offset_at(moment, zone))
    while wall is not None:
        slot = moment_of(wall, zone)
        if slot > moment:
            return slot
        # Shown for the second time: what the clock shows now was reached already.
        wall = table.after(wall)
    return None


def _by_elapsed_time(table: CronTable, moment: datetime, zone: tzinfo) -> datetime | None:
    """Go from change to change of the offset; between two of them the wall clock is plain arithmetic."""
    offset = offset_at(moment, zone)
    wall = moment + offset
    moment = moment.replace(microsecond=0)
    while True:
        match = table.after(wall)
        if match is None:
            return None
        slot = match - offset
        far = slot - moment > _MORE_THAN_A_DAY
        horizon = moment + _DAY if far else slot
        if offset_at(horizon, zone) != offset:
            change = change_between(moment, horizon, zone)
            if slot < change:
                return slot
            moment = change
        elif far:
            # Nothing matches before the day of the match, and no change can reach back further than a day.
            moment = max(horizon, slot - _MORE_THAN_A_DAY + timedelta(hours=1))
        else:
            return slot
        offset = offset_at(moment, zone)
        wall = moment + offset - _TICK
