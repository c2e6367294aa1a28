"""Crontabs beside an oracle that walks minute by minute, around changes of the clocks in the zones of the tz database."""

from __future__ import annotations

import os
import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from celeriac.schedules import crontab
from tests.unit.schedules import oracle

ALL = os.environ.get("CELERIAC_SCHEDULE_ZONES") == "all"
"""Every zone and every change from 2020 to 2030 (minutes); else zones of all sorts, and two years."""
SORTS = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll", "America/Havana", "Pacific/Apia",
)  # fmt: skip
ZONES = sorted(available_timezones() - {"localtime"}) if ALL else SORTS
YEARS = (2020, 2030) if ALL else (2021, 2021)
AROUND, NEAR = timedelta(hours=30), timedelta(hours=3)
DENSE = 200
"""So many runs around a change are compared near to it only."""
_wanted: dict[object, list[list[datetime]]] = {}


def _wanted_around(change: datetime, zone: ZoneInfo) -> list[list[datetime]]:
    """Return what each case should do around a change; the same for zones whose clocks do the same then."""
    half_hours = [change + number * timedelta(minutes=30) for number in range(-62, 62)]
    key = (change, *(oracle.offset(moment, zone) for moment in half_hours))
    if key not in _wanted:
        clock = oracle.walls(change - AROUND - timedelta(hours=3), change + AROUND, zone)
        _wanted[key] = [[slot for slot in oracle.expected(number, clock) if slot > change - AROUND] for number in range(len(oracle.CASES))]
    return _wanted[key]


def _compared(slots: list[datetime], change: datetime) -> tuple[datetime, datetime]:
    return (change - NEAR, change + NEAR) if len(slots) > DENSE else (change - AROUND, change + AROUND)


def _walked(schedule: crontab, begin: datetime, end: datetime) -> Iterator[datetime]:
    slot = schedule.next_after(begin)
    while slot is not None and slot <= end:
        yield slot
        slot = schedule.next_after(slot)


def _asked(begin: datetime, end: datetime, change: datetime, chance: random.Random) -> list[datetime]:
    second = timedelta(seconds=1)
    anywhere = [begin + chance.random() * (end - begin - timedelta(hours=1)) for _ in range(2)]
    return [change - second, change - timedelta(microseconds=1), change, change + second, *anywhere]


def _mismatches(name: str) -> Iterator[str]:
    zone, chance = ZoneInfo(name), random.Random(name)
    schedules = [crontab(**case.fields, timezone=zone) for case in oracle.CASES]
    for change in oracle.changes(zone, *YEARS):
        for schedule, wanted in zip(schedules, _wanted_around(change, zone)):
            begin, end = _compared(wanted, change)
            should = [slot for slot in wanted if begin < slot <= end]
            found = list(_walked(schedule, begin, end))
            if should != found:
                yield f"{name} {change:%Y-%m-%d %H:%M} {schedule!r}: {sorted(set(should) ^ set(found))[:4]}"
            for moment in _asked(begin, end, change, chance):
                at = bisect_right(should, moment)
                if at < len(should) and should[at] != schedule.next_after(moment):
                    yield f"{name} after {moment} {schedule!r}: {should[at]} expected, {schedule.next_after(moment)} found"


@pytest.mark.parametrize("name", ZONES)
def test_crontabs_do_what_the_wall_clock_says(name: str) -> None:
    assert [] == list(_mismatches(name))


def test_there_are_fifty_crontabs_and_the_zones_have_all_sorts_of_changes() -> None:
    turns = {
        oracle.offset(change, zone) - oracle.offset(change - oracle.MINUTE, zone)
        for zone in map(ZoneInfo, SORTS)
        for change in oracle.changes(zone, *YEARS)
    }

    assert 50 == len(oracle.CASES)
    assert {timedelta(minutes=minutes) for minutes in (-120, -60, -30, 30, 60, 120)} <= turns


BERLIN = "Europe/Berlin"
RULES = [
    ("a gap: a named time runs at its end", crontab(30, 2, timezone=BERLIN), "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
    ("a gap: several named times run once", crontab("*/15", 2, timezone=BERLIN), "2026-03-29T00:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
    ("a gap: every half hour goes on", crontab("*/30", timezone=BERLIN), "2026-03-29T00:15", ["2026-03-29T00:30", "2026-03-29T01:00"]),
    ("a fold: a named time runs the first time", crontab(30, 2, timezone=BERLIN), "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
    ("a fold: not when asked in between", crontab(30, 2, timezone=BERLIN), "2026-10-25T01:10", ["2026-10-26T01:30"]),
    ("a fold: every hour runs twice", crontab(30, timezone=BERLIN), "2026-10-25T00:00", ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "after", "slots"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
def test_the_rules_of_gap_and_fold(schedule: crontab, after: str, slots: list[str]) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    found = [slot.astimezone(UTC).replace(tzinfo=None) for slot in schedule.next_runs(len(slots), moment)]

    assert [datetime.fromisoformat(slot) for slot in slots] == found


def test_a_day_that_a_zone_left_out_is_made_up_for() -> None:
    samoa = crontab(0, 12, day_of_month=30, month_of_year=12, timezone="Pacific/Apia")

    assert datetime(2011, 12, 30, 10, tzinfo=UTC) == samoa.next_after(datetime(2011, 12, 1, tzinfo=UTC))
