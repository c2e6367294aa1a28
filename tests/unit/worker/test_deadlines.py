from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from celeriac.lib.clock import ManualClock
from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Envelope
from celeriac.worker.deadlines import Deadlines, running
from celeriac.worker.packets import Packet, encode
from celeriac.worker.slots import Slots


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[str]]:
    code = (
        "import signal, time; signal.signal(signal.SIGUSR1, lambda *_: print('soft', flush=True)); print('up', flush=True)\n"
        "while True: time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "up\n" == process.stdout.readline()
    yield process
    process.kill()
    process.wait()


def busy(slots: Slots, pid: int, now: float, soft: float, hard: float) -> None:
    job = Job(Delivery(1, "celery", Envelope({"task": "tasks.slow", "id": "the-id"}, b"")), received=0.0)
    slots.slot(0).occupy(pid)
    slots.slot(0).take(1, encode(Packet(1, (job,))))
    slots.slot(0).claim(1, now, soft, hard)


def test_nothing_has_to_be_looked_at_while_no_job_has_limits() -> None:
    slots = Slots(2)

    assert None is Deadlines(slots, ManualClock()).enforce()
    assert float("inf") == slots.next_look


def test_the_nearest_limit_says_when_to_look_next(victim: subprocess.Popen[str]) -> None:
    clock, slots = ManualClock(monotonic=100.0), Slots(1)
    busy(slots, victim.pid, 100.0, soft=102.0, hard=105.0)

    assert 2.0 == Deadlines(slots, clock).enforce()
    assert 102.0 == slots.next_look


def test_a_soft_limit_is_signalled_once(victim: subprocess.Popen[str], caplog: pytest.LogCaptureFixture) -> None:
    clock, slots = ManualClock(monotonic=100.0), Slots(1)
    deadlines = Deadlines(slots, clock)
    busy(slots, victim.pid, 100.0, soft=102.0, hard=105.0)

    clock.advance(2.0)
    assert 3.0 == deadlines.enforce()
    assert 3.0 == deadlines.enforce()

    assert victim.stdout is not None
    assert "soft\n" == victim.stdout.readline()
    assert ["Soft time limit (2s) exceeded for tasks.slow[the-id]"] == caplog.messages


def test_a_hard_limit_kills_the_process(victim: subprocess.Popen[str], caplog: pytest.LogCaptureFixture) -> None:
    clock, slots = ManualClock(monotonic=100.0), Slots(1)
    deadlines = Deadlines(slots, clock)
    busy(slots, victim.pid, 100.0, soft=0.0, hard=100.5)

    clock.advance(0.6)
    assert None is deadlines.enforce()

    assert -signal.SIGKILL == victim.wait(10)
    assert {victim.pid: 0.5} == deadlines.killed
    assert ["Hard time limit (0.5s) exceeded for tasks.slow[the-id]"] == caplog.messages


def test_a_job_too_large_for_its_slot_is_named_by_its_process() -> None:
    slots = Slots(1)
    slots.slot(0).occupy(4711)
    slots.slot(0).take(1, b"x" * 100_000)

    assert "a job of process 4711" == running(slots.slot(0).look())
