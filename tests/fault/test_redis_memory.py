"""Two million tasks through one worker on Redis: the memory of none of its processes grows with them. Only in the long run (``make fault``)."""

from __future__ import annotations

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


@pytest.mark.timeout(1800)
def test_memory_does_not_grow_with_the_number_of_tasks(server: RedisServer, make_redis_project: Callable[..., RedisProject], figures: Any) -> None:
    client = redis.Redis(port=server.port)
    project = make_redis_project(url=f"redis://127.0.0.1:{server.port}/0", result_expires=10, worker_lease=10.0)
    worker = project.worker("-c", "2")
    run(project, client, 0, 2 * PORTION)
    before = {pid: psutil.Process(pid).memory_full_info().uss for pid in worker.all_pids}
    for first in range(2 * PORTION, TASKS, PORTION):
        run(project, client, first, PORTION)
    after = {pid: psutil.Process(pid).memory_full_info().uss for pid in worker.all_pids}
    slopes = [(after[pid] - before[pid]) / (TASKS - 2 * PORTION) for pid in before]
    figures(f"{TASKS} tasks", f"bytes a task, by process: {', '.join(f'{slope:.2f}' for slope in slopes)}")

    assert set(before) == set(after), "a process was replaced"
    assert max(slopes) < 5
