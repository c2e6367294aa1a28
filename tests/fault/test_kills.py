"""kill -9 of each role while 200 late-acknowledged tasks are in flight.

Two rounds by default; CELERIAC_FAULT_ROUNDS=20 runs the bar of the project.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.ledger import Account
from tests.harness.project import Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

TASKS = 200


def recovery(project: Project, killed: float) -> float:
    """Return how long after the kill the next task ended."""
    entries = eventually(
        lambda: [entry for entry in project.ledger.entries("end") if entry.at > killed], "work goes on", timeout=20, explain=project.describe
    )
    return entries[0].at - killed


def one_round(project: Project, task: str, kill: Callable[[], None]) -> tuple[float, dict[str, str], Account]:
    """Send the tasks, kill in the midst of them, wait for all; return recovery time, states and account."""
    already = project.ledger.count("end")
    results = [project.send(task, 0.01) for _ in range(TASKS)]
    project.ledger.wait_for("end", already + TASKS // 4)

    kill()
    killed = time.time()

    took = recovery(project, killed)
    states = project.states(results, timeout=40)
    return took, states, project.ledger.account(result.id for result in results)


def first_tasks(project: Project) -> None:
    """Have something run, so that every role is known by its signposts."""
    project.states([project.send("safe") for _ in range(10)])


def kill_task_process(worker: WorkerProcess) -> None:
    os.kill(worker.task_processes()[0], signal.SIGKILL)


def kill_consumer(worker: WorkerProcess) -> None:
    os.kill(worker.consumer(), signal.SIGKILL)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kill", [kill_task_process, kill_consumer])
def test_nothing_is_lost_when_a_process_is_killed(project: Project, kill: Callable[[WorkerProcess], None]) -> None:
    worker = project.worker("-c", "2")
    first_tasks(project)

    for _ in range(ROUNDS):
        took, states, account = one_round(project, "safe", lambda: kill(worker))

        assert set(states.values()) == {"SUCCESS"}
        assert account.lost == set()
        # what ran at the moment of the kill runs again, and what had just ended and was not stored yet; no more than that
        assert len(account.doubled) <= 8, str(account)
        assert took < 5
        assert worker.process.poll() is None

    eventually(lambda: len(worker.task_processes()) == 2, "all task processes are there again", explain=worker.describe)
    eventually(lambda: project.depth() == 0, "the queue is empty", explain=worker.describe)


@pytest.mark.timeout(600)
def test_a_late_task_whose_process_is_killed_is_lost_by_name_and_no_other(project: Project) -> None:
    """Celery's rule: without ``reject_on_worker_lost`` the message of a lost attempt is acknowledged and the loss is its result."""
    worker = project.worker("-c", "2")
    first_tasks(project)

    for _ in range(ROUNDS):
        _, states, account = one_round(project, "late", lambda: kill_task_process(worker))

        failed = {task_id for task_id, state in states.items() if state != "SUCCESS"}
        assert len(failed) <= 1
        assert account.lost <= failed
        for task_id in failed:
            error = project.client.AsyncResult(task_id).get(timeout=5, propagate=False)
            assert type(error).__name__ == "WorkerLostError"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["another", "the same"])
def test_another_worker_takes_over_when_the_whole_one_dies(make_project: Callable[..., Project], name: str) -> None:
    for number in range(ROUNDS):
        project = make_project(f"{name} {number}", conf={"worker_lease": 2.0})
        worker = project.worker("-c", "2", "-n", "first@%h")
        first_tasks(project)

        def replace_worker(project: Project = project, worker: WorkerProcess = worker) -> None:
            worker.process.kill()
            worker.wait_exit()
            project.worker("-c", "2", "-n", "first@%h" if name == "the same" else "second@%h")

        took, states, account = one_round(project, "safe", replace_worker)

        assert set(states.values()) == {"SUCCESS"}
        assert account.lost == set()
        assert len(account.doubled) <= 8, str(account)
        assert took < 5
        project.close()


@pytest.mark.timeout(120)
def test_with_the_default_lease_a_dead_workers_tasks_come_back_within_fifteen_seconds(project: Project) -> None:
    first = project.worker("-c", "2")
    standing_by = project.worker("-c", "2", "-Q", "nothing")
    results = [project.send("safe", 1.0) for _ in range(2)]
    project.ledger.wait_for("begin", 2)
    project.worker("-c", "2")
    killed = time.time()

    first.process.kill()

    project.ledger.wait_for("begin", 4, timeout=16)
    assert max(entry.at for entry in project.ledger.entries("begin")) - killed < 15
    assert set(project.states(results).values()) == {"SUCCESS"}
    assert standing_by.process.poll() is None


@pytest.mark.timeout(120)
def test_a_living_workers_tasks_never_come_back_however_long_they_take(make_project: Callable[..., Project]) -> None:
    project = make_project(conf={"worker_lease": 1.0})
    project.worker("-c", "1")
    result = project.send("safe", 5)
    project.ledger.wait_for("begin")
    project.worker("-c", "1")

    assert project.states([result]) == {result.id: "SUCCESS"}
    assert project.ledger.count("begin") == 1


@pytest.mark.timeout(120)
def test_a_worker_that_was_frozen_beyond_its_lease_does_no_harm(make_project: Callable[..., Project]) -> None:
    project = make_project(conf={"worker_lease": 1.0})
    frozen = project.worker("-c", "1")
    results = [project.send("safe", 0.1, n) for n in range(10)]
    project.ledger.wait_for("begin")
    pids = frozen.all_pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        project.worker("-c", "1")
        states = project.states(results, timeout=30)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    assert set(states.values()) == {"SUCCESS"}
    more = [project.send("safe", 0, n) for n in range(20)]
    assert set(project.states(more).values()) == {"SUCCESS"}
    assert [result.get(timeout=5) for result in results] == list(range(10))
    assert frozen.process.poll() is None
    assert project.depth() == 0


@pytest.mark.timeout(300)
def test_random_kills_under_load_lose_nothing(project: Project) -> None:
    """Every kind of process of two workers dies in turn while a client sends."""
    project.conf["worker_lease"] = 2.0
    workers = [project.worker("-c", "2"), project.worker("-c", "2")]
    project.states([project.send("safe", 0.02) for _ in range(60)])
    results = []
    for number in range(4 * ROUNDS):
        results += [project.send("safe", 0.005) for _ in range(50)]
        worker = workers[number % 2]
        eventually(lambda: len(worker.task_processes()) >= 1, "it has task processes", explain=worker.describe)  # noqa: B023
        (kill_task_process, kill_consumer)[number // 2 % 2](worker)
    workers[0].process.kill()
    workers[0].wait_exit()
    project.worker("-c", "2")

    states = project.states(results, timeout=60)

    assert set(states.values()) == {"SUCCESS"}
    assert project.ledger.account(result.id for result in results).lost == set()
    eventually(lambda: project.depth() == 0, "the queue is empty", explain=project.describe)
