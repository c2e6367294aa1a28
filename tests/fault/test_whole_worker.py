"""A worker that is killed with all its processes: what it had begun and nobody may begin again is told of, what kills workers is set aside."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from celeriac import chain, chord, group
from tests.harness.fixtures import ROUNDS
from tests.harness.project import Project
from tests.harness.redis_project import RedisProject
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

LOST = "WorkerLostError"
LONG = ROUNDS >= 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    pytest.importorskip("redis")
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(params=["sqlite", "redis", *(["two stores"] if LONG else [])])
def any_project(
    request: pytest.FixtureRequest, server: RedisServer, make_project: Callable[..., Project], make_redis_project: Callable[..., RedisProject],
    tmp_path: Path,
) -> Project:  # fmt: skip
    """A project on each kind of store; leases are short."""
    conf = {"worker_lease": 1.0, "task_max_deliveries": 2}
    if request.param == "sqlite":
        return make_project(conf=conf)
    project = make_redis_project(url=server.new_url(), **conf)
    if request.param == "two stores":
        project.conf["result_backend"] = f"sqlite:///{tmp_path / 'results.db'}"
        project.client.conf.result_backend = project.conf["result_backend"]
    return project


def kill_whole(worker: WorkerProcess) -> None:
    """Kill a worker with everything that belongs to it, all at once."""
    for pid in worker.all_pids:
        os.kill(pid, signal.SIGKILL)
    worker.wait_exit()


def error_of(result: object) -> str:
    return type(result.get(timeout=30, propagate=False)).__name__  # type: ignore[attr-defined]


@pytest.mark.timeout(120)
def test_what_it_had_begun_and_may_not_run_again_has_failed(any_project: Project) -> None:
    project, app = any_project, any_project.client
    first = project.worker("-c", "4")
    sig = app.signature("tasks.early", (90,))
    single = sig.apply_async(app=app, link_error=app.signature("tasks.note_failure"))
    body = chord(group(app.signature("tasks.add", (1, 1)), sig), app=app)(app.signature("tasks.echo"))
    second = chain(app.signature("tasks.early", (0.0,)), app.signature("tasks.early", (90,), immutable=True), app=app).apply_async()
    project.ledger.wait_for("begin", 4, timeout=20)
    eventually(lambda: second.parent.ready(), "the first step of the chain is stored", explain=project.describe)

    kill_whole(first)
    project.worker("-c", "2")

    assert [LOST, "ChordError", LOST] == [error_of(result) for result in (single, body, second)]
    assert "SUCCESS" == second.parent.state
    (told,) = project.ledger.wait_for("errback", task_id=single.id)
    assert LOST == told.note[0]
    begun = [entry.id for entry in project.ledger.entries("begin")]
    assert len(set(begun)) == len(begun) == 4
    assert 2 == project.send("add", 1, 1).get(timeout=20)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("executor", ["asyncio", *(["threads", "solo"] if LONG else [])])
def test_other_executors_tell_of_it_as_well(make_project: Callable[..., Project], executor: str) -> None:
    project = make_project(conf={"worker_lease": 1.0})
    first = project.worker("-P", "threads", "-c", "2")
    results = [project.send("early", 90), project.send("asynchronous", 90, 1)]
    project.ledger.wait_for("begin", timeout=20)
    eventually(lambda: project.depth() == 0, "both have begun", explain=project.describe)

    kill_whole(first)
    project.worker("-P", executor)

    assert [LOST, LOST] == [error_of(result) for result in results]
    assert 1 == project.ledger.count("begin")


@pytest.mark.timeout(120)
def test_a_task_that_takes_its_whole_worker_along_is_set_aside_and_what_is_known_is_told(any_project: Project) -> None:
    project = any_project
    result = project.send("kills_its_worker")
    for _ in range(2):
        project.worker("-c", "2", ready=False).wait_exit(timeout=30)
    project.worker("-c", "2")

    assert LOST == error_of(result)
    assert 2 == project.ledger.count("begin", [result.id])
    shown = project.cli("-A", "tasks", "dead", "show", result.id).stdout
    assert "Delivered 3 times" in shown, shown
    assert 2 == shown.count("the whole worker was lost while it had the message"), shown
