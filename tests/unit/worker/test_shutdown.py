from __future__ import annotations

import signal

import pytest

from celeriac.lib.clock import ManualClock
from celeriac.worker.shutdown import Phase, Shutdown


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def make(clock: ManualClock, grace: float | None = None) -> tuple[Shutdown, list[tuple[str, int]]]:
    said: list[tuple[str, int]] = []
    return Shutdown(clock, grace, lambda how, number: said.append((how, number))), said


def receive(shutdown: Shutdown, *numbers: int) -> None:
    for number in numbers:
        shutdown._record(number, None)
    shutdown.listen()


def test_term_is_warm_and_a_second_one_changes_nothing(clock: ManualClock) -> None:
    shutdown, said = make(clock)

    receive(shutdown, signal.SIGTERM)
    assert [Phase.WARM] == shutdown.steps(clock.monotonic())
    receive(shutdown, signal.SIGTERM)

    assert ([], [("Warm", signal.SIGTERM)]) == (shutdown.steps(clock.monotonic()), said)


def test_a_second_interrupt_is_cold(clock: ManualClock) -> None:
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGINT, signal.SIGINT)

    assert [Phase.WARM, Phase.COLD] == shutdown.steps(clock.monotonic())


def test_quit_is_cold_at_once(clock: ManualClock) -> None:
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGQUIT)

    assert [Phase.COLD] == shutdown.steps(clock.monotonic())


def test_term_is_cold_when_it_is_remapped(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMAP_SIGTERM", "SIGQUIT")
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGTERM)

    assert Phase.COLD is shutdown.phase


def test_the_end_of_the_grace_is_cold(clock: ManualClock) -> None:
    shutdown, _ = make(clock, grace=5.0)
    receive(shutdown, signal.SIGTERM)
    shutdown.steps(clock.monotonic())

    clock.advance(4.9)
    assert [] == shutdown.steps(clock.monotonic())
    clock.advance(0.2)
    assert [Phase.COLD] == shutdown.steps(clock.monotonic())


def test_what_does_not_leave_in_time_is_killed(clock: ManualClock) -> None:
    shutdown, _ = make(clock)
    receive(shutdown, signal.SIGTERM)
    shutdown.steps(clock.monotonic())

    shutdown.consumer_left(clock.monotonic() + 5.0)
    clock.advance(5.1)

    assert [Phase.KILL] == shutdown.steps(clock.monotonic())
