"""The consumer of a worker on RabbitMQ dies, its task processes live: the server delivers again what they run, and they must not run it twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.rabbitmq_project import RabbitProject
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

__all__ = ["rabbitmq"]

pytestmark = pytest.mark.timeout(240)

@pytest.fixture
def project(rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[RabbitProject]:
    project = RabbitProject(tmp_path, url=rabbitmq.vhost())
    try:
        yield project
    finally:
        project.close()


def kill_consumer(worker: WorkerProcess) -> None:
    """Kill the consumer and wait until another works."""
    started = len(worker.reached("consumer.started"))
    os.kill(worker.consumer(), signal.SIGKILL)
    worker.wait_signpost("consumer.started", started + 1, timeout=20)


@pytest.mark.parametrize(("seconds", "kills", "most"), [(0.5, 5, 2), (0.01, 2, 2)])
def test_a_task_that_runs_while_the_consumer_is_killed_is_not_begun_twice(project: RabbitProject, seconds: float, kills: int, most: int) -> None:
    worker = project.worker("-c", "2")
    results = [project.send("late", seconds) for _ in range(40 if seconds > 0.1 else 400)]
    for _ in range(max(kills, ROUNDS)):
        project.ledger.wait_for("end", project.ledger.count("end") + 2, timeout=20)
        kill_consumer(worker)

    states = project.states(results, timeout=60)
    account = project.ledger.account(result.id for result in results)

    assert (set(states.values()), account.lost) == ({"SUCCESS"}, set())
    # A task that ended while the consumer was killed may run again, if its outcome was being written at that moment; what runs does not.
    assert len(account.doubled) <= most, str(account)
    eventually(lambda: project.depth() == 0, "the queue is empty", timeout=20, explain=worker.describe)
