from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from celeriac.lib.clock import ManualClock
from celeriac.worker import children
from celeriac.worker.memory_guard import MemoryGuard, resident_memory
from celeriac.worker.slots import Slots


def guard(monkeypatch: pytest.MonkeyPatch, memory: dict[int, int], **bounds: Any) -> tuple[MemoryGuard, Slots, ManualClock, list[Any]]:
    slots, clock, done = Slots(2), ManualClock(), []
    monkeypatch.setattr(children, "kill", lambda pid, number=signal.SIGKILL: done.append(("killed", pid, number)))
    made = MemoryGuard(
        slots, **{"bound": None, "idle": None, **bounds}, let_leave=lambda slot: done.append(("leaves", slot.look().pid)), clock=clock,
        memory_of=memory.get,
    )  # fmt: skip
    return made, slots, clock, done


def test_nothing_is_watched_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made, *_ = guard(monkeypatch, {})

    assert made.look() is None


def test_a_process_above_the_bound_is_killed_once_and_the_reason_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = {11: 500, 12: 2000}
    made, slots, clock, done = guard(monkeypatch, memory, bound=1000)
    slots.slot(0).occupy(11)
    slots.slot(1).occupy(12)

    pause = made.look()
    clock.advance(1.0)
    made.look()

    assert pause is not None
    assert 0 < pause < 1
    assert [("killed", 12, signal.SIGKILL)] == done
    assert "its memory (2000 KiB) was above worker_memory_guard (1000 KiB)" == made.reason(12)
    assert (None, None) == (made.reason(12), made.reason(11))


def test_a_large_process_leaves_only_when_it_is_idle_and_has_run_something(monkeypatch: pytest.MonkeyPatch) -> None:
    made, slots, clock, done = guard(monkeypatch, {11: 2000}, idle=1000)
    slots.slot(0).occupy(11)
    slots.slot(0).idle(0)
    made.look()
    slots.slot(0).take(1, b"")
    clock.advance(1.0)
    made.look()
    assert [] == done

    slots.slot(0).idle(1)
    clock.advance(1.0)
    made.look()

    assert [("leaves", 11)] == done


def test_memory_is_read_from_the_system() -> None:
    found = resident_memory(os.getpid())

    assert found is not None
    assert 5_000 < found < 5_000_000
    assert resident_memory(2**22 + 1) is None
