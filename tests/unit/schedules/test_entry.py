"""When an entry is due: misfires, bounds, jitter, one run only."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from celeriac.schedules import ScheduleError, clocked, crontab, schedule
from celeriac.schedules.entry import AT_ONCE, Due, Timing, due

T = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
MINUTELY = schedule(60)


@pytest.mark.parametrize(
    ("options", "last", "now", "expected"),
    [
        ({}, None, 0, Due((), 0, T + 60, None)),
        ({}, None, 60, Due((T + 60,), 0, T + 120, T + 60)),
        ({}, 60, 119.9, Due((), 0, T + 120, T + 60)),
        ({}, 60, 305, Due((T + 300,), 3, T + 360, T + 300)),
        ({"misfire": "run_all"}, 60, 250, Due((T + 120, T + 180, T + 240), 0, T + 300, T + 240)),
        ({"misfire": "run_all", "max_lateness": 75.0}, 60, 250, Due((T + 180, T + 240), 1, T + 300, T + 240)),
        ({"misfire": "skip", "max_lateness": 5.0}, 60, 304, Due((T + 300,), 3, T + 360, T + 300)),
        ({"misfire": "skip", "max_lateness": 5.0}, 60, 306, Due((), 4, T + 360, T + 300)),
        ({"max_lateness": 5.0}, 60, 306, Due((), 4, T + 360, T + 300)),
        ({"one_off": True}, None, 185, Due((T + 180,), 2, None, T + 180)),
        ({"one_off": True}, 60, 185, Due((), 0, None, T + 60)),
        ({"start": 90}, None, 0, Due((), 0, T + 90, None)),
        ({"start": 90}, None, 95, Due((T + 90,), 0, T + 150, T + 90)),
        ({"start": -30}, None, 0, Due((), 0, T + 30, None)),
        ({"end": 120}, 60, 125, Due((T + 120,), 0, None, T + 120)),
        ({"end": 119}, 60, 125, Due((), 0, None, T + 60)),
    ],
)
def test_what_is_due(options: dict[str, Any], last: float | None, now: float, expected: Due) -> None:
    bounds = {key: datetime.fromtimestamp(T + options[key], UTC) for key in ("start", "end") if key in options}

    assert expected == due(Timing(schedule=MINUTELY, **{**options, **bounds}), None if last is None else T + last, T, T + now)


def test_a_round_that_is_told_what_the_last_one_reached_counts_nothing_twice() -> None:
    timing = Timing(schedule=MINUTELY, misfire="skip", max_lateness=5.0)
    first = due(timing, T + 60, T, T + 306)

    second = due(timing, first.reached, T, T + 360)

    assert Due((T + 360,), 0, T + 420, T + 360) == second


def test_very_many_missed_slots_are_leapt_over() -> None:
    begun = time.perf_counter()
    found = due(Timing(schedule=schedule(1)), T, T, T + 40_000_000.5)

    assert ((T + 40_000_000,), T + 40_000_001, T + 40_000_000) == (found.slots, found.next, found.reached)
    assert AT_ONCE - 1 == found.skipped
    assert time.perf_counter() - begun < 2


def test_very_many_missed_crontab_slots_end_with_the_real_last_one() -> None:
    found = due(Timing(schedule=crontab(), timezone="Europe/Berlin"), T, T, T + 365 * 86_400 + 30)

    assert (T + 365 * 86_400,) == found.slots


def test_very_many_missed_slots_are_leapt_over_with_jitter_too() -> None:
    found = due(Timing(schedule=MINUTELY, jitter=60.0, name="a"), T, T, T + 6_000_000 + 59.999)

    assert found.slots == (found.reached,)
    assert found.slots[0] in (T + 6_000_000, T + 6_000_000 - 60)
    assert found.next is not None


def test_running_all_leaps_over_what_is_too_late() -> None:
    found = due(Timing(schedule=schedule(1), misfire="run_all", max_lateness=3.0), T, T, T + 40_000_000.5)

    assert (T + 39_999_998, T + 39_999_999, T + 40_000_000) == found.slots
    assert T + 40_000_001 == found.next


def test_all_missed_slots_are_run_in_several_rounds() -> None:
    timing, last, fired, rounds = Timing(schedule=schedule(1), misfire="run_all"), T, 0, 0
    while True:
        found = due(timing, last, T, T + 2500.5)
        fired, rounds = fired + len(found.slots), rounds + 1
        assert found.reached is not None
        last = found.reached
        if found.next is None or found.next > T + 2500.5:
            break

    assert (2500, 3) == (fired, rounds)


def test_jitter_is_the_same_for_the_same_name_and_slot_and_keeps_the_order() -> None:
    timing = Timing(schedule=MINUTELY, jitter=300.0, name="a")
    wakes = [due(timing, T + 60 * number, T, T + 60 * number).next for number in range(50)]

    assert wakes == [due(timing, T + 60 * number, T, T + 60 * number).next for number in range(50)]
    assert all(wake is not None and 60 * number + 60 <= wake - T < 60 * number + 120 for number, wake in enumerate(wakes))
    assert len({round(wake - 60 * number) for number, wake in enumerate(wakes) if wake is not None}) > 20
    assert wakes != [due(timing.replace(name="b"), T + 60 * number, T, T + 60 * number).next for number in range(50)]


def test_a_jittered_slot_is_fired_late_and_keeps_its_identity() -> None:
    timing = Timing(schedule=MINUTELY, jitter=30.0, name="a")
    wake = due(timing, None, T, T).next
    assert wake is not None

    assert () == due(timing, None, T, wake - 0.001).slots
    assert (T + 60,) == due(timing, None, T, wake + 0.001).slots


def test_the_entrys_time_zone_counts_where_the_schedule_names_none() -> None:
    berlin = Timing(schedule=crontab(0, 4), timezone="Europe/Berlin")
    own = Timing(schedule=crontab(0, 4, timezone="Asia/Tokyo"), timezone="Europe/Berlin")

    assert ["2026-01-01T04:00:00+01:00"] == [run.isoformat() for run in berlin.next_runs(1, T, T)]
    assert ["2026-01-01T04:00:00+09:00"] == [run.isoformat() for run in own.next_runs(1, T - 86_400 / 2, T)]


def test_a_time_runs_once_even_when_its_entry_comes_too_late() -> None:
    once = Timing(schedule=clocked(datetime(2026, 1, 1, tzinfo=UTC)))

    assert Due((), 0, T, None) == due(once, None, T - 60, T - 1)
    assert Due((T,), 0, None, T) == due(once, None, T + 30, T + 31)
    assert Due((), 0, None, T) == due(once, T, T + 30, T + 60)
    assert () == due(once.replace(max_lateness=10.0), None, T + 30, T + 31).slots


def test_a_naive_time_is_in_the_entrys_zone() -> None:
    assert T - 3600 == due(Timing(schedule=clocked(datetime(2026, 1, 1)), timezone="Europe/Berlin"), None, T - 7200, T - 7200).next


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"misfire": "later"}, "write one of skip, run_once, run_all"),
        ({"jitter": -1.0}, "jitter=-1.0"),
        ({"max_lateness": float("nan")}, "max_lateness"),
        ({"timezone": "Mars/Phobos"}, "no time zone"),
        ({"start": datetime(2026, 1, 1)}, "names no time zone"),
        ({"start": datetime(2026, 1, 2, tzinfo=UTC), "end": datetime(2026, 1, 1, tzinfo=UTC)}, "would never run"),
        ({"schedule": 10}, "is no schedule"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ScheduleError, match=said):
        Timing(**{"schedule": MINUTELY, **options})


def test_a_hundred_thousand_entries_are_decided_quickly() -> None:
    timing = Timing(schedule=crontab("*/5", timezone="Europe/Berlin"))
    begun = time.process_time()
    for number in range(2000):
        due(timing, T, T, T + 300 + number / 1000)

    assert (time.process_time() - begun) / 2000 < 500e-6


def test_entries_next_runs_respect_their_bounds() -> None:
    timing = Timing(schedule=MINUTELY, end=datetime.fromtimestamp(T + 150, UTC))

    assert [T + 60, T + 120] == list(timing.slots_after(T, T))
    assert 1 == len(timing.replace(one_off=True).next_runs(5, T, T))
    assert timedelta(0) == timing.next_runs(1, T, T)[0].utcoffset()
