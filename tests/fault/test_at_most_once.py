"""A task that is acknowledged early never begins twice, whatever dies; what is lost is what was about to run, never the backlog."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.project import Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

TASKS = 300


def kill_task_process(worker: WorkerProcess) -> None:
    os.kill(worker.task_processes()[0], signal.SIGKILL)


def kill_consumer(worker: WorkerProcess) -> None:
    os.kill(worker.consumer(), signal.SIGKILL)


def settled(project: Project, ids: set[str]) -> Callable[[], bool]:
    """Return a question: has the queue run dry, and does nothing run any more?"""

    def ask() -> bool:
        account = project.ledger.account(ids)
        ended_attempts = project.ledger.count("end", ids)
        return project.depth() == 0 and account.begun - ended_attempts <= ROUNDS * 4

    return ask


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kill", [kill_task_process, kill_consumer])
@pytest.mark.parametrize("seconds", [0.0, 0.01], ids=["no-ops", "ten ms"])
def test_no_task_begins_twice_when_a_process_is_killed(project: Project, kill: Callable[[WorkerProcess], None], seconds: float) -> None:
    worker = project.worker("-c", "2")
    project.states(project.send_many("early", 20, 0))
    ids: set[str] = set()

    for _ in range(ROUNDS):
        already = project.ledger.count("end")
        results = project.send_many("early", TASKS, seconds)
        ids |= {result.id for result in results}
        project.ledger.wait_for("end", already + TASKS // 5)
        kill(worker)
        last = project.send("early")
        project.states([last], timeout=20)

    eventually(settled(project, ids), "all is done", timeout=20, pause=0.1, explain=worker.describe)
    account = project.ledger.account(ids)
    assert account.doubled == set()
    # one running task a kill, and at most the packets that were out
    allowed = ROUNDS * (2 if seconds else 40)
    assert len(account.lost) <= allowed, str(account)


@pytest.mark.timeout(600)
def test_no_task_begins_twice_when_the_whole_worker_is_killed(make_project: Callable[..., Project]) -> None:
    for number in range(ROUNDS):
        project = make_project(f"round{number}", conf={"worker_lease": 1.0})
        worker = project.worker("-c", "2")
        results = project.send_many("early", TASKS, 0.005)
        project.ledger.wait_for("end", TASKS // 4)

        worker.process.kill()
        worker.wait_exit()
        project.worker("-c", "2")

        eventually(settled(project, {r.id for r in results}), "all is done", timeout=20, pause=0.1, explain=project.describe)
        account = project.ledger.account(r.id for r in results)
        assert account.doubled == set()
        assert len(account.lost) <= 4, str(account)
        project.close()


def test_the_attempt_that_died_is_reported_as_lost(project: Project) -> None:
    worker = project.worker("-c", "2")
    project.send("early").get(timeout=10)
    result = project.send("early", 20)
    begun = project.ledger.wait_for("begin", task_id=result.id)[0]

    os.kill(begun.pid, signal.SIGKILL)

    error = result.get(timeout=10, propagate=False)
    assert (result.state, type(error).__name__) == ("FAILURE", "WorkerLostError")
    assert project.ledger.count("begin", [result.id]) == 1
    worker.wait_log(rf"ERROR.*{result.id}")
