"""Ending one job by a signal, and nothing else."""

from __future__ import annotations

import pytest

from celeriac.lib.clock import ManualClock
from celeriac.worker import children
from celeriac.worker.deadlines import PATIENCE, Deadlines
from celeriac.worker.requests import Request
from celeriac.worker.slots import Slots


@pytest.fixture
def sent(monkeypatch) -> list[tuple[int, int]]:
    """The signals that were sent, instead of sending them."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(children, "kill", lambda pid, number=9: found.append((pid, int(number))))
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def slots() -> Slots:
    """One process that runs the second job of packet 7."""
    slots = Slots(1)
    slot = slots.slot(0)
    slot.occupy(4711)
    slot.take(7, b"")
    slot.claim(1, 1.0, 0.0, 0.0)
    slot.reported(1)
    slot.claim(2, 2.0, 0.0, 0.0)
    return slots


def request(signal: int = 15, **changes) -> Request:
    return Request("terminate", index=0, pid=4711, packet=7, claimed=2, signal=signal).replace(**changes)


def test_the_job_that_is_meant_is_signalled_and_marked(slots, clock, sent):
    Deadlines(slots, clock).terminate(request())

    assert [(4711, 15)] == sent
    assert slots.slot(0).doomed


@pytest.mark.parametrize("changes", [{"packet": 8}, {"claimed": 1}, {"pid": 4712}])
def test_a_job_that_has_ended_is_not_confused_with_the_next(slots, clock, sent, changes):
    Deadlines(slots, clock).terminate(request(**changes))

    assert [] == sent
    assert not slots.slot(0).doomed


def test_the_mark_does_not_hold_for_the_next_job(slots, clock, sent):
    Deadlines(slots, clock).terminate(request())
    slot = slots.slot(0)
    slot.reported(2)
    slot.take(8, b"")
    slot.claim(1, 3.0, 0.0, 0.0)

    assert not slot.doomed


def test_a_process_that_hears_nothing_is_killed_after_some_patience(slots, clock, sent):
    deadlines = Deadlines(slots, clock)
    deadlines.terminate(request())

    assert PATIENCE == pytest.approx(deadlines.enforce())
    clock.advance(PATIENCE + 0.01)
    deadlines.enforce()
    deadlines.enforce()

    assert [(4711, 15), (4711, 9)] == sent


def test_a_job_that_ends_in_time_is_not_killed(slots, clock, sent):
    deadlines = Deadlines(slots, clock)
    deadlines.terminate(request())
    slots.slot(0).reported(2)
    clock.advance(PATIENCE + 0.01)

    assert deadlines.enforce() is None
    assert [(4711, 15)] == sent


def test_signals_that_tasks_are_meant_to_survive_are_not_followed_by_another(slots, clock, sent):
    deadlines = Deadlines(slots, clock)
    deadlines.terminate(request(signal=10))
    clock.advance(60)

    assert deadlines.enforce() is None
    assert [(4711, 10)] == sent


def test_a_dead_process_was_terminated_only_if_it_died_with_that_job(slots, clock, sent):
    deadlines = Deadlines(slots, clock)
    deadlines.terminate(request(signal=9))
    assert deadlines.forget(4711, slots.slot(0).look()) == 9
    assert deadlines.forget(4711, slots.slot(0).look()) is None

    deadlines.terminate(request(signal=10))
    slots.slot(0).reported(2)
    slots.slot(0).take(8, b"")
    assert deadlines.forget(4711, slots.slot(0).look()) is None


def test_records_grow_and_shrink_within_their_memory():
    slots = Slots(2, 8)
    slots.count = 5
    slots.count = 1

    assert (slots.count, slots.capacity, len(slots.all())) == (1, 8, 5)


def test_a_process_that_is_to_leave_is_told_so_once(slots):
    slots.slot(0).let_leave()
    assert slots.slot(0).leaves

    slots.slot(0).prepare()

    assert not slots.slot(0).leaves
