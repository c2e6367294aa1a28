"""The bars on time that users feel. Each is taken as the best of three tries: the machine is shared, the worker is not to blame for that."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

from tests.harness.processes import cpu_seconds
from tests.harness.project import Project

CALL = """
import sys, time, statistics
from tasks import add
add.delay(0, 0).get(timeout=10)
times = []
for n in range(100):
    began = time.perf_counter()
    add.delay(n, 1).get(timeout=10)
    times.append(time.perf_counter() - began)
    time.sleep(0.002)
print(statistics.median(times))
"""


def best_of(tries: int, measure: Callable[[], float], bar: float) -> float:
    """Measure until the bar is met, ``tries`` times at most, and return the best."""
    best = measure()
    for _ in range(tries - 1):
        if best < bar:
            break
        best = min(best, measure())
    return best


def test_an_idle_worker_notices_a_new_task_within_ten_milliseconds(shared: Project) -> None:
    def pick_up() -> float:
        delays = []
        for _ in range(20):
            time.sleep(0.05)  # let the worker fall idle
            sent = time.time()
            delays.append(shared.send("started_at").get(timeout=10) - sent)
        return statistics.median(delays)

    assert best_of(3, pick_up, 0.010) < 0.010


def test_a_round_trip_takes_less_than_six_milliseconds(shared: Project) -> None:
    def round_trip() -> float:
        finished = shared.python("-c", CALL)
        assert finished.returncode == 0, finished.stderr
        return float(finished.stdout)

    assert best_of(3, round_trip, 0.006) < 0.006


def test_an_idle_worker_costs_less_than_a_hundredth_of_a_core(shared: Project) -> None:
    shared.send("add", 1, 1).get(timeout=10)
    pids = shared.workers[0].all_pids
    seconds = 2.0

    def share() -> float:
        before = cpu_seconds(pids)
        time.sleep(seconds)
        return (cpu_seconds(pids) - before) / seconds

    # processor time is counted in ticks of 10 ms, two of which are 1 % of 2 s
    assert best_of(3, share, 0.0101) <= 0.0101


def test_the_first_task_runs_half_a_second_after_the_start(make_project: Callable[..., Project]) -> None:
    number = iter(range(10))

    def to_first_task() -> float:
        project = make_project(f"start{next(number)}")
        result = project.send("started_at")
        began = time.time()
        project.worker("-c", "2", ready=False)
        took = float(result.get(timeout=15)) - began
        project.close()
        return took

    assert best_of(3, to_first_task, 0.5) < 0.5


@pytest.mark.parametrize("task", ["early", "late"])
def test_short_tasks_do_not_wait_behind_a_long_one(make_project: Callable[..., Project], task: str) -> None:
    number = iter(range(10))

    def last_short() -> float:
        project = make_project(f"line{next(number)}")
        project.worker("-c", "2")
        project.send("add", 0, 0).get(timeout=10)
        project.send(task, 30)
        began = time.time()
        short = project.send_many(task, 20, 0.01)
        project.states(short, timeout=20)
        ids = {result.id for result in short}
        took = max(entry.at for entry in project.ledger.entries("end") if entry.id in ids) - began
        project.close()
        return took

    assert best_of(2, last_short, 1.0) < 1.0


def test_short_tasks_that_were_packed_with_a_long_one_are_handed_on(project: Project) -> None:
    """A task that was always quick and now takes long must not hold what was packed with it."""
    project.worker("-c", "2")
    project.states(project.send_many("early", 500, 0))
    began = time.time()
    project.send("early", 15)
    rest = project.send_many("early", 100, 0)

    project.states(rest, timeout=20)

    ids = {result.id for result in rest}
    assert max(entry.at for entry in project.ledger.entries("end") if entry.id in ids) - began < 2.0
