"""A task that comes to an idle worker on Redis begins without a word to the server; what that may not cost when the worker dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.redis_project import RedisProject
from tests.harness.redis_server import running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

LEASE = 1.0
MakeProject = Callable[..., RedisProject]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as found:
        yield found


@pytest.fixture
def project(server: Any, make_redis_project: MakeProject) -> RedisProject:
    redis.Redis(port=server.port).flushall()
    return make_redis_project(url=f"redis://127.0.0.1:{server.port}/0", worker_lease=LEASE)


def arrivals(server: Any) -> list[bytes]:
    client = redis.Redis(port=server.port)
    return [text for key in client.scan_iter("*:taken:*") for text in client.lrange(key, 0, -1)]


def idle_worker(project: RedisProject, *options: str) -> Any:
    worker = project.worker("-c", "1", *options)
    assert project.send("add", 1, 2).get(timeout=20) == 3
    return worker


def begun(project: RedisProject, name: str, seconds: float) -> Any:
    """Send a task that takes so long and wait until it runs."""
    result = project.send(name, seconds)
    project.ledger.wait_for("begin", task_id=result.id)
    return result


def kill_consumer_of(worker: Any, server: Any) -> None:
    """Kill it and wait until the next one has given what had arrived its tag."""
    os.kill(worker.consumer(), signal.SIGKILL)
    eventually(lambda: not arrivals(server), "it has been adopted")


def kill_all_of(worker: Any) -> None:
    for pid in worker.all_pids:
        os.kill(pid, signal.SIGKILL)
    worker.process.wait(10)


def test_an_early_one_is_not_marked_runs_once_and_is_reported_when_its_worker_dies(project: RedisProject, server: Any) -> None:
    worker = idle_worker(project)
    running_one = begun(project, "early", 60.0)
    assert len(arrivals(server)) == 1

    kill_all_of(worker)
    idle_worker(project)

    assert project.states([running_one]) == {running_one.id: "FAILURE"}
    assert type(running_one.result).__name__ == "WorkerLostError"
    assert project.ledger.count("begin", [running_one.id]) == 1
    eventually(lambda: not project.held(redis.Redis(port=server.port)), "nothing is in flight")


def test_a_late_one_runs_again(project: RedisProject, server: Any) -> None:
    worker = idle_worker(project)
    once = project.send("dies_once", "none")
    once.get(timeout=20)
    late = begun(project, "late", 3.0)

    kill_all_of(worker)
    idle_worker(project)

    assert project.states([late]) == {late.id: "SUCCESS"}
    assert project.ledger.count("begin", [late.id]) == 2


def test_a_consumer_that_is_started_again_knows_that_it_runs(project: RedisProject, server: Any) -> None:
    worker = idle_worker(project)
    early = begun(project, "early", 2.0)

    kill_consumer_of(worker, server)
    marked = list(redis.Redis(port=server.port).scan_iter("*:begun:*"))

    assert len(marked) == 1
    assert project.states([early]) == {early.id: "SUCCESS"}
    assert project.ledger.count("begin", [early.id]) == 1


def test_when_all_dies_after_that_it_does_not_run_again(project: RedisProject, server: Any) -> None:
    worker = idle_worker(project)
    early = begun(project, "early", 60.0)
    kill_consumer_of(worker, server)

    kill_all_of(worker)
    idle_worker(project)

    assert project.states([early]) == {early.id: "FAILURE"}
    assert project.ledger.count("begin", [early.id]) == 1


def test_a_chain_that_goes_on_is_marked_from_its_second_step(project: RedisProject, server: Any) -> None:
    worker = idle_worker(project)
    chain = project.client.signature("tasks.early", (0.0,), immutable=True) | project.client.signature("tasks.early", (60.0,), immutable=True)
    last = chain.apply_async()
    project.ledger.wait_for("begin", task_id=last.id)
    eventually(lambda: last.parent.state == "SUCCESS", "the first step is stored")
    assert not arrivals(server)

    kill_all_of(worker)
    idle_worker(project)

    assert project.states([last, last.parent]) == {last.id: "FAILURE", last.parent.id: "SUCCESS"}
    assert project.ledger.count("begin", [last.id, last.parent.id]) == 2
