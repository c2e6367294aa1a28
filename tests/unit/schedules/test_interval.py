"""Intervals: no drift, and by the clock when asked."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from celeriac.schedules import ScheduleError, maybe_schedule, schedule
from celeriac.schedules.crontab import crontab
from celeriac.schedules.entry import Timing, due

START = datetime(2026, 3, 28, 10, 20, 30, 123456, tzinfo=UTC)


def test_an_interval_does_not_drift_in_a_day_whoever_is_late() -> None:
    timing, created = Timing(schedule=schedule(10), misfire="run_all"), START.timestamp()
    last, now, slots = None, created, []

    while now < created + 86_400:
        found = due(timing, last, created, now)
        slots += found.slots
        last = found.reached
        assert found.next is not None
        now = found.next + 0.0173

    assert len(slots) in (8639, 8640)
    assert max(abs(slot - (created + 10 * number)) for number, slot in enumerate(slots, 1)) < 0.01


def test_slots_count_from_the_anchor() -> None:
    every = schedule(timedelta(minutes=7))

    assert START + timedelta(minutes=7) == every.next_after(START)
    assert START + timedelta(minutes=14) == every.next_after(START + timedelta(minutes=7), anchor=START)
    assert START == every.next_after(START - timedelta(minutes=1), anchor=START)


@pytest.mark.parametrize(
    ("interval", "zone", "slots"),
    [
        (30, "UTC", ["10:21:00", "10:21:30"]),
        (90, "UTC", ["10:21:30", "10:23:00"]),
        (3600, "UTC", ["11:00:00", "12:00:00"]),
        (3600, "Asia/Kolkata", ["10:30:00", "11:30:00"]),
        (0.25, "UTC", ["10:20:30.250000", "10:20:30.500000"]),
    ],
)
def test_relative_goes_by_the_clock(interval: float, zone: str, slots: list[str]) -> None:
    every = schedule(interval, relative=True)
    every.tz = zone
    start = START.replace(microsecond=0) if interval == 0.25 else START

    assert slots == [run.astimezone(UTC).time().isoformat() for run in every.next_runs(2, start)]


def test_relative_days_begin_at_midnight_when_the_clocks_change_too() -> None:
    daily = schedule(timedelta(days=1), relative=True)
    daily.tz = "Europe/Berlin"

    assert ["2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"] == [run.isoformat() for run in daily.next_runs(2, START)]


def test_it_answers_celerys_questions() -> None:
    every = schedule(10, nowfun=lambda: START)

    assert (False, 6.0) == every.is_due(START - timedelta(seconds=4))
    assert (True, 10.0) == every.is_due(START - timedelta(seconds=11))
    assert timedelta(seconds=-1) == every.remaining_estimate(START - timedelta(seconds=11))
    assert 10.0 == every.seconds


def test_intervals_are_values() -> None:
    assert schedule(10) == pickle.loads(pickle.dumps(schedule(10)))
    assert schedule(60) == timedelta(minutes=1)
    assert schedule(10) != schedule(11)
    assert "<freq: 1.50 minutes>" == repr(schedule(timedelta(minutes=1.5)))
    assert ["every 10 seconds", "every hour", "every 2 days, by the clock"] == [
        each.describe() for each in (schedule(10), schedule(3600), schedule(timedelta(days=2), relative=True))
    ]


@pytest.mark.parametrize("value", [0, -1, None, "10", True, float("nan"), float("inf")])
def test_what_is_no_interval_is_refused(value: Any) -> None:
    with pytest.raises(ScheduleError, match="schedule\\(run_every"):
        schedule(value)


def test_schedules_are_made_of_what_people_write() -> None:
    app: Any = type("App", (), {"timezone": UTC})()

    assert schedule(30) == maybe_schedule(30)
    assert maybe_schedule(timedelta(hours=1), relative=True).relative  # type: ignore[attr-defined]
    assert crontab(0, 4) == maybe_schedule("0 4 * * *")
    assert schedule(5) == maybe_schedule(lambda: 5)
    assert app is maybe_schedule(crontab(), app=app).app


@pytest.mark.parametrize("value", [None, True, [], crontab, {"every": 5}])
def test_what_no_schedule_can_be_made_of_is_refused(value: Any) -> None:
    with pytest.raises(ScheduleError, match="schedule="):
        maybe_schedule(value)
