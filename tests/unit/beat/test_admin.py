from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from celeriac.beat.admin import UnknownEntry
from celeriac.beat.definition import definition_of
from celeriac.model.errors import ImproperlyConfigured, SettingWarning
from celeriac.schedules import crontab, schedule
from tests.harness.beat_bench import START, Bench, entry

Make = Callable[..., Bench]


class Odd(schedule):
    """A schedule of the program's own that cannot be stored."""

    def __init__(self) -> None:
        super().__init__(5.0)
        self.function = lambda: None


# -- what an entry may say


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nonsense", "write a dict"),
        ({"schedule": 1}, "no 'task'"),
        ({"task": "add"}, "no 'schedule'"),
        (entry(args="abc"), "no list or tuple"),
        (entry("* * *"), "beat_schedule['e']"),
        (entry(timezone="Europe/Berln"), "did you mean 'Europe/Berlin'?"),
        (entry(start="tomorrow"), "start='tomorrow' is no time"),
        (entry(jitter="much"), "jitter='much' is no duration"),
        (entry(misfire="never"), "misfire='never'"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_with_the_reason(make_bench: Make, given: Any, words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        definition_of("e", given, app=make_bench().app)

    assert words in str(caught.value)


def test_a_mistyped_key_is_told(make_bench: Make) -> None:
    with pytest.warns(SettingWarning, match="did you mean 'kwargs'"):
        definition_of("e", entry(kwarg={}), app=make_bench().app)


def test_naive_times_are_in_the_zone_of_the_entry(make_bench: Make) -> None:
    made = definition_of("e", entry(timezone="Asia/Tokyo", start="2026-01-01T09:00"), app=make_bench().app)

    assert made.timing.start == datetime(2026, 1, 1, tzinfo=UTC)


# -- code and store


def test_code_and_store_are_made_to_agree_and_the_difference_is_told(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"kept": entry(60.0), "gone": entry(60.0), "changed": entry(60.0)})
    bench.run(bench.loop("one"), 1.0)
    bench.schedule.add("mine", "add", 60.0)
    bench.changes.clear()
    app = bench.make_app(beat_schedule={"kept": entry(60.0), "changed": entry(crontab(minute=0)), "new": entry(5.0)})
    bench.clock.advance(5.0)

    bench.run(bench.loop("two", app), 1.0)

    signs = {change.split()[1]: change for change in bench.changes}
    assert set(signs) == {"gone", "changed", "new"}
    assert signs["gone"].startswith("- gone")
    assert "schedule: every minute -> " in signs["changed"]
    assert set(bench.store.entries()) == {"kept", "changed", "new", "mine"}


def test_the_difference_can_be_seen_before(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(60.0)})

    assert [change.sign + change.name for change in bench.schedule.difference()] == ["+a"]
    bench.run(bench.loop(), 1.0)
    assert bench.schedule.difference() == []


def test_an_edit_of_arguments_keeps_the_rhythm_and_what_was_counted(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(60.0)})
    bench.run(bench.loop("one"), 90.0)
    app = bench.make_app(beat_schedule={"a": entry(60.0, args=(2,))})

    bench.run(bench.loop("two", app), 5.0)

    record = bench.store.entries()["a"]
    assert (record.next_due, record.runs) == (START + 120.0, 1)


def test_schedules_that_cannot_be_stored_run_from_the_code(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"odd": entry(Odd())})

    bench.run(bench.loop(), 11.0)

    assert bench.names() == ["odd", "odd"]
    with pytest.raises(ImproperlyConfigured, match="cannot be stored"):
        bench.schedule.add("other", "add", Odd())


# -- at run time


def test_entries_added_at_run_time_outlive_schedulers_and_code(make_bench: Make) -> None:
    bench = make_bench()
    bench.schedule.add("mine", "add", "*/5 * * * *", args=(1,), timezone="Europe/Berlin", options={"queue": "celery"})
    bench.run(bench.loop("one"), 1.0)
    bench.clock.advance(5.0)

    bench.run(bench.loop("two"), 301.0)

    assert bench.names() == ["mine"]
    found = bench.schedule.get("mine")
    assert (found.source, found.state, found.runs, found.task) == ("run time", "on", 1, "add")


def test_what_is_refused(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"code": entry(60.0)})
    bench.run(bench.loop(), 1.0)
    bench.schedule.add("mine", "add", 60.0)

    for name, words in (("mine", "already"), ("code", "comes from the code")):
        with pytest.raises(ImproperlyConfigured, match=words):
            bench.schedule.add(name, "add", 5.0)
    with pytest.raises(ImproperlyConfigured, match="remove it there, or pause it"):
        bench.schedule.remove("code")
    with pytest.raises(ImproperlyConfigured, match="would never run"):
        bench.schedule.add("past", "add", 60.0, end="2020-01-01T00:00")
    with pytest.raises(UnknownEntry, match="did you mean 'mine'"):
        bench.schedule.pause("mien")


def test_what_a_paused_entry_missed_is_not_sent(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(10.0)})
    loop = bench.loop()
    bench.run(loop, 5.0)
    bench.schedule.pause("a")
    bench.run(loop, 60.0)
    assert bench.schedule.get("a").state == "paused"

    bench.schedule.resume("a")
    bench.run(loop, 5.0)
    assert bench.names() == []
    bench.run(loop, 6.0)

    assert bench.names() == ["a"]


def test_a_pause_outlives_a_change_of_the_code(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(10.0)})
    bench.run(bench.loop("one"), 1.0)
    bench.schedule.pause("a")
    bench.clock.advance(5.0)

    bench.run(bench.loop("two", bench.make_app(beat_schedule={"a": entry(5.0)})), 60.0)

    assert bench.schedule.get("a").state == "paused"
    assert bench.names() == []


def test_an_entry_can_be_run_now_beside_its_schedule(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(3600.0, options={"priority": 5})})
    bench.run(bench.loop(), 1.0)

    result = bench.schedule.run("a")

    (envelope,) = bench.sent()
    assert (envelope.headers["id"], envelope.headers["periodic_task_name"]) == (result.id, "a")
    assert bench.schedule.get("a").next_due == START + 3600.0


def test_the_next_slots_of_all_entries_are_listed_in_order(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(20.0), "b": entry(30.0), "once": entry(25.0, one_off=True)})
    bench.run(bench.loop(), 1.0)

    found = [(slot - START, name) for slot, name in bench.schedule.upcoming(5)]

    assert found == [(20.0, "a"), (25.0, "once"), (30.0, "b"), (40.0, "a"), (60.0, "a")]
    assert [slot - START for slot, _ in bench.schedule.upcoming(3, "b")] == [30.0, 60.0, 90.0]


def test_an_entry_that_runs_once_is_over_then(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"once": entry(10.0, one_off=True)})
    bench.run(bench.loop(), 35.0)

    assert bench.names() == ["once"]
    assert bench.schedule.get("once").state == "over"
