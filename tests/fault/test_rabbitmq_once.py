"""What has ended is not begun again on RabbitMQ: whoever dies between a result and the settlement of its message, and wherever results go.

Two rounds of one kind of death by default; CELERIAC_FAULT_ROUNDS=20 (``make fault``) runs the bar of the project.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import ROUNDS, projects_with_logs
from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.rabbitmq_project import MailWitness, RabbitProject
from tests.harness.redis_project import Load, Witness, toll
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

__all__ = ["rabbitmq"]

redis = pytest.importorskip("redis")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


Stage = tuple[RabbitProject, AbstractContextManager[Any]]


@pytest.fixture(params=["redis", "rpc"])
def stage(request: pytest.FixtureRequest, rabbitmq: RabbitServer, store: RedisServer, tmp_path: Path) -> Iterator[Stage]:
    """A project, and what notes when its results are stored."""
    url = store.new_url()
    backend = {"result_backend": url} if request.param == "redis" else {}
    project = RabbitProject(tmp_path, url=rabbitmq.vhost(), **backend)
    projects_with_logs(request).append(project)
    try:
        yield project, Witness(lambda: redis.Redis.from_url(url)) if backend else MailWitness(project)
    finally:
        project.close()


def consumer_dies(project: RabbitProject) -> None:
    worker = project.workers[-1]
    started = len(worker.reached("consumer.started"))
    os.kill(worker.consumer(), signal.SIGKILL)
    worker.wait_signpost("consumer.started", started + 1, timeout=20)


def worker_dies(project: RabbitProject) -> None:
    """Kill a whole worker, all of its processes at once; another takes its place."""
    worker = project.workers[-1]
    for pid in worker.all_pids:
        os.kill(pid, signal.SIGKILL)
    worker.process.wait()
    project.worker("-c", "2")


def dies_between(project: RabbitProject) -> None:
    """Let a consumer die after it has stored results and before it settles their messages, and the rest of the worker with it."""
    worker = project.workers[-1]
    consumer = worker.consumer()
    worker.kill_at("settler.stored")
    eventually(lambda: consumer not in worker.children, "the consumer is dead", timeout=20, explain=worker.describe)
    worker_dies(project)


@pytest.mark.parametrize("death", [consumer_dies, worker_dies, dies_between])
def test_no_task_begins_again_once_its_result_is_stored(stage: Stage, figures: Callable[..., None], death: Callable[[RabbitProject], None]) -> None:
    project, witness = stage
    if death is dies_between and isinstance(witness, MailWitness):
        pytest.skip("there is no such moment: result and settlement are one write")
    if ROUNDS < 20 and death is not consumer_dies:
        pytest.skip("with CELERIAC_FAULT_ROUNDS=20")
    project.worker("-c", "2")
    with witness, Load(project, rate=100, task="late", seconds=0.004) as load:
        for _ in range(ROUNDS):
            project.ledger.wait_for("end", project.ledger.count("end") + 30, timeout=30)
            death(project)
    assert not load.refused

    found = toll(project, load.results, witness)

    figures(f"late tasks, {death.__name__}, results in {type(witness).__name__}, {ROUNDS} kills", found)
    assert found.clean, str(found)




def test_a_message_whose_result_is_stored_is_acknowledged_by_whoever_gets_it(
    rabbitmq: RabbitServer, store: RedisServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = RabbitProject(tmp_path, url=rabbitmq.vhost(), result_backend=store.new_url())
    projects_with_logs(request).append(project)
    try:
        first = project.worker("-c", "1")
        first.kill_at("settler.stored")
        result = project.send("late", 0.0, "once")
        eventually(lambda: "settler.stored.kill" not in os.listdir(first.signposts), "it has died there", timeout=20)
        for pid in first.all_pids:
            os.kill(pid, signal.SIGKILL)

        other = project.worker("-c", "1")
        other.wait_log("came again whose results are stored")

        eventually(lambda: project.depth() == 0, "the queue is empty", explain=other.describe)
        assert (result.get(timeout=5), project.ledger.count("begin", [result.id])) == ("once", 1)
        # The same id, called anew: an earlier result is none of its own.
        again = project.send("late", 0.0, "twice", task_id=result.id)
        project.ledger.wait_for("end", 2, task_id=again.id)
    finally:
        project.close()
