from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from celeriac import signals
from celeriac.beat.sending import BeatLazyFunc, id_of
from celeriac.schedules import crontab
from tests.harness.beat_bench import START, Bench, entry

Make = Callable[..., Bench]


def ids(bench: Bench) -> list[str]:
    return [envelope.headers["id"] for envelope in bench.sent()]


def test_an_interval_fires_at_its_slots_and_not_before_the_first(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(10.0)})
    loop = bench.loop()

    bench.run(loop, 9.9)
    assert bench.names() == []
    bench.run(loop, 25.0)

    assert ids(bench) == [id_of("", "tick", START + slot) for slot in (10, 20, 30)]


def test_a_slot_is_fired_at_its_moment(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(10.0)})
    loop = bench.loop()
    late: list[float] = []
    bench.app.conf.task_publish_retry = False

    def note(**_given: Any) -> None:
        late.append((bench.clock.now() - START) % 10.0)

    signals.after_task_publish.connect(note)
    try:
        bench.run(loop, 100.5)
    finally:
        signals.after_task_publish.disconnect(note)

    assert len(late) == 10
    assert max(min(one, 10.0 - one) for one in late) < 0.001


def test_intervals_do_not_drift_in_a_day(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(60.0)})
    loop = bench.loop(look=30.0, lease=120.0)

    bench.run(loop, 86_400.5)

    assert ids(bench) == [id_of("", "tick", START + 60.0 * number) for number in range(1, 1441)]


def test_the_message_carries_arguments_options_and_the_name_of_its_entry(make_bench: Make) -> None:
    options = {"priority": 3, "expires": 60, "headers": {"mine": "yes"}}
    bench = make_bench(beat_schedule={"tick": entry(10.0, args=(BeatLazyFunc(lambda: 7),), kwargs={"y": 2}, options=options)})

    bench.run(bench.loop(), 10.5)

    (envelope,) = bench.sent()
    assert envelope.headers["argsrepr"] == "(7,)"
    assert envelope.headers["kwargsrepr"] == "{'y': 2}"
    assert envelope.headers["periodic_task_name"] == "tick"
    assert envelope.headers["mine"] == "yes"
    assert envelope.headers["expires"] is not None
    assert envelope.properties["priority"] == 3


def test_a_workflow_can_be_periodic(make_bench: Make) -> None:
    bench = make_bench()
    add = bench.app.tasks["add"]
    bench.app.add_periodic_task(10.0, add.s(1, 2) | add.s(3), name="flow")

    bench.run(bench.loop(), 10.5)

    (envelope,) = bench.sent()
    assert envelope.headers["task"] == "add"
    assert b"chain" in envelope.body


# -- who was away


@pytest.mark.parametrize(("misfire", "slots"), [("run_once", [50]), ("run_all", [10, 20, 30, 40, 50]), (None, [50])])
def test_what_was_missed_is_sent_as_the_entry_says(make_bench: Make, misfire: str | None, slots: list[int]) -> None:
    bench = make_bench(beat_schedule={"tick": entry(10.0, **({"misfire": misfire} if misfire else {}))})
    bench.run(bench.loop(), 1.0)
    bench.clock.advance(55.0)

    bench.run(bench.loop("two"), 1.0)

    assert ids(bench) == [id_of("", "tick", START + slot) for slot in slots]


def test_what_is_too_late_is_not_sent_and_the_schedule_goes_on(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(100.0, misfire="skip", max_lateness=5.0)})
    bench.run(bench.loop(), 1.0)
    bench.clock.advance(150.0)

    loop = bench.loop("two")
    bench.run(loop, 1.0)
    assert bench.names() == []
    bench.run(loop, 50.0)

    assert ids(bench) == [id_of("", "tick", START + 200)]


def test_a_change_of_leader_loses_no_slot_whatever_the_policy(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(1.0, misfire="skip")})
    first, second = bench.loop("one"), bench.loop("two")
    bench.run(first, 2.5)
    assert second.tick() > 0
    bench.clock.advance(2.5)

    bench.run(second, 2.2)

    assert ids(bench) == [id_of("", "tick", START + slot) for slot in range(1, 8)]


def test_the_deadline_of_cron_entries_is_the_settings(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(crontab(minute="*/10"))}, beat_cron_starting_deadline=60)
    bench.run(bench.loop(), 1.0)
    bench.clock.advance(1200.0 + 200.0)

    bench.run(bench.loop("two"), 1.0)

    assert bench.names() == []


# -- leadership


def test_only_the_leader_fires_and_who_resigns_is_replaced_at_once(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(1.0)})
    first, second = bench.loop("one"), bench.loop("two")
    first.tick()
    second.tick()
    assert (first.leads, second.leads) == (True, False)

    first.resign()
    bench.clock.advance(0.5)
    second.tick()

    assert second.leads


def test_a_leader_that_was_stopped_and_wakes_fires_nothing_twice(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(1.0)})
    sleeper, other = bench.loop("one"), bench.loop("two")
    bench.run(sleeper, 1.5)
    record = bench.store.get(["tick"])["tick"]
    bench.clock.advance(3.0)
    bench.run(other, 1.0)

    # It had read what was due before it was stopped.
    sleeper._fire(1, [record])
    sleeper.tick()

    assert ids(bench) == [id_of("", "tick", START + slot) for slot in range(1, 6)]
    assert not sleeper.leads


def test_a_record_that_lags_behind_what_was_fired_catches_up(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(1.0)})
    loop = bench.loop()
    bench.run(loop, 0.5)
    old = bench.store.get(["tick"])["tick"]
    bench.run(loop, 1.0)
    bench.store.put([old])

    bench.run(loop, 2.0)

    assert ids(bench) == [id_of("", "tick", START + slot) for slot in (1, 2, 3)]


# -- changes while it runs


def test_edits_take_effect_within_a_second(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"slow": entry(3600.0)})
    loop = bench.loop()
    bench.run(loop, 10.0)

    bench.schedule.add("quick", "add", 1.0, args=(1,))
    bench.run(loop, 1.5)
    assert bench.names() == ["quick"]
    bench.schedule.pause("quick")
    bench.run(loop, 5.0)
    assert bench.names() == []
    bench.schedule.resume("quick")
    bench.run(loop, 1.5)
    assert bench.names() == ["quick"]
    bench.schedule.remove("quick")
    bench.run(loop, 5.0)

    assert bench.names() == []


def test_the_setting_may_change_while_it_runs(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"a": entry(10.0)})
    loop = bench.loop()
    bench.run(loop, 1.0)

    bench.app.conf.beat_schedule["b"] = entry(1.0)
    bench.run(loop, 2.5)
    assert bench.names() == ["b", "b"]
    bench.app.conf.beat_schedule = {"a": entry(2.0)}
    bench.run(loop, 3.0)

    assert bench.names() == ["a"]
    assert set(bench.store.entries()) == {"a"}


def test_tasks_added_by_add_periodic_task_are_sent(make_bench: Make) -> None:
    bench = make_bench()
    key = bench.app.add_periodic_task(10.0, bench.app.tasks["add"].s(1, 2), expires=5, one_off=True)

    bench.run(bench.loop(), 35.0)

    assert key == "add(1, 2)"
    assert bench.names() == [key]
    assert bench.app.conf.beat_schedule[key]["options"] == {"expires": 5}


# -- the clock


def test_a_clock_that_jumps_ahead_is_followed(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(10.0)})
    loop = bench.loop()
    bench.run(loop, 1.0)

    bench.clock.jump(3600.0)
    bench.run(loop, 1.0)

    assert len(bench.names()) == 1


def test_a_clock_that_is_set_back_a_little_repeats_no_slot(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(10.0)})
    loop = bench.loop()
    bench.run(loop, 31.0)
    assert len(bench.names()) == 3

    bench.clock.jump(-25.0)
    bench.run(loop, 40.0)

    assert ids(bench) == [id_of("", "tick", START + 40)]


def test_a_clock_that_is_corrected_far_back_goes_on_at_once(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": entry(10.0)})
    loop = bench.loop()
    bench.run(loop, 31.0)
    bench.names()

    bench.clock.jump(-1_000_000.0)
    bench.run(loop, 25.0)

    assert len(bench.names()) == 2


# -- what cannot be sent


def test_an_entry_that_cannot_be_sent_does_not_hold_up_the_others(make_bench: Make, caplog: pytest.LogCaptureFixture) -> None:
    bench = make_bench(beat_schedule={"bad": entry(1.0, args=(1, 2, 3)), "good": entry(1.0)})
    with caplog.at_level(logging.ERROR, "celeriac.beat"):
        bench.run(bench.loop(), 2.5)

    assert bench.names() == ["good", "good"]
    assert "bad could not be sent" in caplog.text


def test_an_entry_that_cannot_be_delivered_does_not_either(make_bench: Make, caplog: pytest.LogCaptureFixture) -> None:
    bench = make_bench(beat_schedule={"bad": entry(1.0, options={"exchange": "nowhere", "routing_key": "x"}), "good": entry(1.0)})
    with caplog.at_level(logging.ERROR, "celeriac.beat"):
        bench.run(bench.loop(), 2.5)

    assert bench.names() == ["good", "good"]
    assert "bad could not be sent" in caplog.text


def test_an_entry_that_makes_no_sense_is_reported_and_left_out(make_bench: Make, caplog: pytest.LogCaptureFixture) -> None:
    bench = make_bench(beat_schedule={"bad": entry("99 * * * *"), "good": entry(1.0)})
    with caplog.at_level(logging.ERROR, "celeriac.beat"):
        bench.run(bench.loop(), 1.5)

    assert bench.names() == ["good"]
    assert "beat_schedule['bad']" in caplog.text


def test_a_task_that_is_not_known_here_is_sent_by_its_name(make_bench: Make) -> None:
    bench = make_bench(beat_schedule={"tick": {"task": "elsewhere.work", "schedule": 1.0}})

    bench.run(bench.loop(), 1.5)

    assert [envelope.headers["task"] for envelope in bench.sent()] == ["elsewhere.work"]
