from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from celeriac.lib.clock import SystemClock
from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Delivery, Envelope
from celeriac.worker.feeding import Feeding
from celeriac.worker.pace import Pace
from tests.harness.waiting import eventually


def job(name: str, tag: int) -> Job:
    return Job(Delivery(tag, "celery", Envelope({"task": name, "id": str(tag)}, b"")), 0.0)


class FakeIntake:
    """An intake whose broker always has one more message."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: list[Job] = []
        self.fetched: list[int] = []
        self.given_back = 0
        self.tag = 0
        self.left = 10_000

    def __len__(self) -> int:
        return len(self.ready)

    def fetch(self, limit: int, wait: float) -> None:
        self.fetched.append(limit)
        for _ in range(min(limit, self.left)):
            self.tag += 1
            self.left -= 1
            self.ready.append(job(self.name, self.tag))

    def take(self, pack: object) -> list[list[Job]]:
        packets: list[list[Job]] = pack(self.ready)  # type: ignore[operator]
        del self.ready[: sum(map(len, packets))]
        return packets

    def acknowledge(self, jobs: Sequence[Job]) -> list[Job]:
        return [one.replace(acked=True) for one in jobs]

    def give_back(self) -> None:
        self.given_back += len(self.ready)
        self.ready.clear()


class Bench:
    """A feeding thread at work."""

    def __init__(self, name: str, places: int) -> None:
        self.intake = FakeIntake(name)
        self.pace = Pace(0.001)
        self.begun: list[Job] = []
        self.arrived = threading.Event()
        self.feeding = Feeding(
            intake=self.intake, pace=self.pace, places=places, begin=self._begin, flush_log=lambda: None, wake_broker=lambda: None,  # type: ignore[arg-type]
            clock=SystemClock(),
        )  # fmt: skip

    def _begin(self, jobs: Sequence[Job]) -> None:
        self.begun.extend(jobs)
        self.arrived.set()


@pytest.fixture
def benches() -> Iterator[list[Bench]]:
    made: list[Bench] = []
    yield made
    for bench in made:
        bench.feeding.stop()
        bench.feeding.join(5)
        assert bench.feeding.ended


def start(benches: list[Bench], name: str, places: int) -> Bench:
    bench = Bench(name, places)
    benches.append(bench)
    bench.feeding.start()
    return bench


def test_no_more_jobs_are_out_than_there_are_places(benches: list[Bench]) -> None:
    bench = start(benches, "long", 3)

    eventually(lambda: bench.feeding.out == 3, "three jobs are out")
    bench.feeding.ended_job(bench.begun[0], Writes(), 5.0)
    eventually(lambda: len(bench.begun) == 4, "another has begun")

    assert bench.feeding.out == 3
    assert sum(bench.intake.fetched) == 4
    assert all(one.acked for one in bench.begun)


def test_short_jobs_wait_in_line_while_they_flow(benches: list[Bench]) -> None:
    bench = start(benches, "short", 2)

    ended = 0

    def flowing() -> bool:
        nonlocal ended
        running = list(bench.begun)[ended:]
        ended += len(running)
        for one in running:
            bench.feeding.ended_job(one, Writes(), 0.00001)
        bench.pace.composed(1, 32)
        return max(bench.intake.fetched, default=0) > 10

    eventually(flowing, "more is fetched than there are places", pause=0.0005)


def test_when_told_to_stop_it_fetches_no_more(benches: list[Bench]) -> None:
    bench = start(benches, "long", 2)
    eventually(lambda: bench.feeding.out == 2, "two jobs are out")

    bench.feeding.stop()
    bench.feeding.join(5)
    fetched = len(bench.intake.fetched)
    for one in bench.begun:
        bench.feeding.ended_job(one, Writes(), 1.0)

    assert bench.feeding.ended
    assert (fetched, bench.feeding.out) == (len(bench.intake.fetched), 0)
