"""Two million tasks through one worker on Redis: the memory of none of its processes grows with them. Only in the long run (``make fault``)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from celeriac.model.envelope import Outgoing
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import encode_task
from tests.harness.fixtures import ROUNDS
from tests.harness.redis_project import RedisProject
from tests.harness.redis_server import RedisServer, running

redis = pytest.importorskip("redis")

TASKS = 100_000 * ROUNDS
PORTION = 50_000

pytestmark = pytest.mark.skipif(ROUNDS < 20, reason="it takes minutes: make fault")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis") as server:
        yield server


def run(project: RedisProject, client: Any, first: int, count: int) -> None:
    """Send so many tasks and wait until they have run."""
    for at in range(first, first + count, 2_000):
        numbers = range(at, min(at + 2_000, first + count))
        messages = [encode_task(TaskMessage("tasks.add", f"soak-{number}", args=(number, 1))) for number in numbers]
        project.client.broker.publish([Outgoing(message, "celery") for message in messages])
    while client.llen("celery") or project.held(client):
        time.sleep(0.2)


def memory(worker: Any) -> dict[str, int]:
    """Return what each process has for itself (bytes): this one, which sends, and those of the worker."""
    gc.collect()
    found = {"client": psutil.Process().memory_full_info().uss}
    return found | {f"worker's {pid}": psutil.Process(pid).memory_full_info().uss for pid in worker.all_pids}


@pytest.mark.timeout(1800)
def test_memory_does_not_grow_with_the_number_of_tasks(server: RedisServer, make_redis_project: Callable[..., RedisProject], figures: Any) -> None:
    client = redis.Redis(port=server.port)
    project = make_redis_project(url=f"redis://127.0.0.1:{server.port}/0", options={"socket_timeout": 30.0}, result_expires=10, worker_lease=10.0)
    worker = project.worker("-c", "2")
    run(project, client, 0, 2 * PORTION)
    before = memory(worker)
    for first in range(2 * PORTION, TASKS, PORTION):
        run(project, client, first, PORTION)
    after = memory(worker)
    assert set(before) == set(after), "a process was replaced"
    slopes = {name: (after[name] - before[name]) / (TASKS - 2 * PORTION) for name in before}
    figures(f"{TASKS} tasks", "bytes a task: " + ", ".join(f"{name} {slope:.2f}" for name, slope in slopes.items()))

    assert max(slopes.values()) < 5
