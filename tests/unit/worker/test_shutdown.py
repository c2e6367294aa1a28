from __future__ import annotations

import signal
from typing import Any

import pytest

from celeriac.lib.clock import ManualClock
from celeriac.worker import shutdown as module
from celeriac.worker.shutdown import Ladder, Phase, Shutdown


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def make(clock: ManualClock, *, busy: bool = True, **ladder: Any) -> tuple[Shutdown, list[tuple[str, int]]]:
    said: list[tuple[str, int]] = []
    return Shutdown(clock, Ladder(**ladder), lambda how, number, seconds: said.append((how, number)), lambda: busy), said


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


@pytest.mark.parametrize("numbers", [(signal.SIGQUIT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGQUIT)])
def test_a_soft_shutdown_comes_before_the_cold_one(clock: ManualClock, numbers: tuple[int, ...]) -> None:
    shutdown, said = make(clock, soft=3.0)

    receive(shutdown, *numbers)
    assert Phase.SOFT is shutdown.steps(clock.monotonic())[-1]
    clock.advance(2.9)
    assert [] == shutdown.steps(clock.monotonic())
    clock.advance(0.2)

    assert ([Phase.COLD], "Soft") == (shutdown.steps(clock.monotonic()), said[-2][0])


def test_the_soft_shutdown_is_left_out_when_nothing_runs_unless_asked_for(clock: ManualClock) -> None:
    idle, _ = make(clock, busy=False, soft=3.0)
    asked, _ = make(clock, busy=False, soft=3.0, soft_when_idle=True)

    receive(idle, signal.SIGQUIT)
    receive(asked, signal.SIGQUIT)

    assert (Phase.COLD, Phase.SOFT) == (idle.phase, asked.phase)


def test_a_signal_in_the_soft_shutdown_makes_it_cold(clock: ManualClock) -> None:
    shutdown, _ = make(clock, soft=3.0)

    receive(shutdown, signal.SIGQUIT, signal.SIGQUIT)

    assert [Phase.SOFT, Phase.COLD] == shutdown.steps(clock.monotonic())


def test_the_end_of_the_grace_is_soft_where_that_is_asked_for(clock: ManualClock) -> None:
    shutdown, _ = make(clock, grace=1.0, soft=3.0)
    receive(shutdown, signal.SIGTERM)
    clock.advance(1.1)

    assert [Phase.WARM, Phase.SOFT] == shutdown.steps(clock.monotonic())
    clock.advance(3.1)
    assert [Phase.COLD] == shutdown.steps(clock.monotonic())


def test_an_interrupt_in_a_cold_shutdown_ends_at_once(clock: ManualClock) -> None:
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGINT, signal.SIGINT, signal.SIGQUIT, signal.SIGINT)

    assert [Phase.WARM, Phase.COLD, Phase.KILL] == shutdown.steps(clock.monotonic())


def test_hup_is_warm_and_the_worker_starts_again(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_terminal", lambda: False)
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGHUP)

    assert (Phase.WARM, True) == (shutdown.phase, shutdown.restarts)


def test_hup_on_a_terminal_ends_the_worker_for_good(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_terminal", lambda: True)
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGHUP)

    assert (Phase.WARM, False) == (shutdown.phase, shutdown.restarts)


def test_term_takes_back_the_restart(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "has_terminal", lambda: False)
    shutdown, _ = make(clock)

    receive(shutdown, signal.SIGHUP, signal.SIGTERM)

    assert (Phase.WARM, False) == (shutdown.phase, shutdown.restarts)
