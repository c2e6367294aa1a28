"""Workers on Redis that are killed: at each step of a task's way, all at once, and while tasks are long or wait for their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from celeriac.model.envelope import Outgoing
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import encode_task, format_time
from tests.harness.fixtures import ROUNDS
from tests.harness.redis_project import RedisProject, Witness, resumed, toll
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

POINTS = [
    "consumer.fetched", "consumer.acked", "consumer.dispatched", "task.claimed", "task.ran", "task.sent", "consumer.flushing", "consumer.flushed",
]
LATE_POINTS = [point for point in POINTS if point != "consumer.acked"]
LONG = ROUNDS >= 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def url(server: RedisServer) -> str:
    return server.new_url()


@pytest.fixture
def at(url: str) -> Callable[[], Any]:
    return lambda: redis.Redis.from_url(url)


@pytest.fixture
def project(url: str, make_redis_project: Callable[..., RedisProject]) -> RedisProject:
    return make_redis_project(url=url)


def test_a_late_task_survives_death_at_each_step(project: RedisProject, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    resumed(project)
    for point in LATE_POINTS * (ROUNDS // 2):
        with Witness(at) as witness:
            worker.kill_at(point)
            results = project.send_many("safe", 40, 0.002)
            eventually(lambda: not (worker.signposts / f"{point}.kill").exists(), f"a process died at {point}", explain=worker.describe)  # noqa: B023
            took = [resumed(project)]
            found = toll(project, results, witness)
        figures(f"death at {point}", found, took)

        assert found.clean, (point, found)
        assert took[0] < 5
    eventually(lambda: project.held(at()) == 0, "nothing is in flight", explain=worker.describe)


def test_an_early_task_never_begins_twice_whatever_step_death_comes_at(project: RedisProject, at: Any) -> None:
    worker = project.worker("-c", "2")
    resumed(project)
    for point in POINTS:
        worker.kill_at(point)
        ids = [result.id for result in project.send_many("early", 40, 0.002)]
        eventually(lambda: not (worker.signposts / f"{point}.kill").exists(), f"a process died at {point}", explain=worker.describe)  # noqa: B023
        resumed(project)
        eventually(lambda: project.depth() == 0 and project.held(at()) == 0, "the queue is empty", timeout=20, explain=project.describe)
        account = project.ledger.account(ids)

        assert account.doubled == set(), (point, str(account))
        assert len(account.lost) <= 20, (point, str(account))


@pytest.mark.parametrize("point", ["consumer.fetched", "consumer.flushing", "consumer.flushed"])
def test_retries_are_neither_lost_nor_doubled_by_a_death_around_the_flush(project: RedisProject, point: str) -> None:
    worker = project.worker("-c", "2")
    resumed(project)
    worker.kill_at(point)

    results = project.send_many("retries_late", 20)

    assert set(project.states(results, timeout=20).values()) == {"SUCCESS"}
    ids = {result.id for result in results}
    seconds = [entry.id for entry in project.ledger.entries("begin") if entry.note == 1 and entry.id in ids]
    assert (len(set(seconds)), len(seconds) <= 21) == (20, True)
    eventually(lambda: project.depth() == 0, "the queue is empty", explain=project.describe)


@pytest.mark.timeout(900)
def test_a_dead_workers_tasks_come_back_within_fifteen_seconds(make_redis_project: Any, server: RedisServer, figures: Any) -> None:
    """With the default lease: a worker is killed that holds late tasks, and another is there."""
    for number in range(max(1, ROUNDS // 2)):
        url = server.new_url()
        project = make_redis_project(f"round{number}", url=url, worker_lease=10.0)
        project.worker("-c", "2", "-Q", "nothing")
        doomed = project.worker("-c", "8")
        results = project.send_many("safe", 8, 60) if LONG else project.send_many("safe", 8, 2)
        project.ledger.wait_for("begin", 8, timeout=15)
        living = project.worker("-c", "8")

        killed = time.time()
        doomed.process.kill()

        project.ledger.wait_for("begin", 16, timeout=20)
        took = [entry.at - killed for entry in project.ledger.entries("begin")[8:]]
        if not LONG:
            found = toll(project, results)
            assert found.clean, found
        figures("kill -9 of a worker that holds 8 late tasks, lease 10 s: begun elsewhere", took)

        assert max(took) < 15
        assert project.ledger.count("begin") == 16
        assert living.process.poll() is None
        project.close()


@pytest.mark.timeout(300)
def test_long_and_delayed_tasks_run_exactly_once_with_three_workers(make_redis_project: Any, url: str, at: Any, figures: Any) -> None:
    """Both take longer than any lease or visibility timeout."""
    project = make_redis_project(url=url, options={"visibility_timeout": 2}, worker_lease=1.5)
    for _ in range(3):
        project.worker("-c", "4")
    long, delay = (20.0, 60.0) if LONG else (4.0, 5.0)
    count = 200 if LONG else 12
    begun = time.time()
    with Witness(at) as witness:
        delayed = project.send_many("safe", count, 0.0, countdown=delay)
        running = project.send_many("safe", count, long)
        found = toll(project, [*running, *delayed], witness, timeout=count / 12 * long + delay + 20)
    ids = {result.id for result in delayed}
    starts = [entry.at - begun - delay for entry in project.ledger.entries("begin") if entry.id in ids]
    figures(f"{count} tasks of {long:g} s and {count} with a countdown of {delay:g} s on 3 workers", found, f"latest start {max(starts):.2f} s late")

    assert found.clean, found
    assert found.repeated == 0
    assert min(starts) > -0.01
    assert project.held(at()) == 0


@pytest.mark.timeout(1800)
def test_very_many_delayed_tasks_cost_the_worker_no_memory_and_start_in_time(project: RedisProject, at: Any, figures: Any) -> None:
    """They wait in the server; 2,000 of them a second fall due at the end."""
    many, due = (1_000_000, 20_000) if LONG else (100_000, 4_000)
    worker = project.worker("-c", "2", "--pool", "prefork")
    project.states(project.send_many("started_at", 200))
    before = _memory(worker)
    app = project.client
    begun = time.time()
    # By the bulk path, as a program would that sends so many; a day ahead.
    _publish_delayed(app, many, [begun + 86_400.0])
    publishing = time.time() - begun
    first = time.time() + (20.0 if LONG else 4.0)
    _publish_delayed(app, due, [first + number / 2_000 for number in range(due)])
    assert time.time() < first, "sending took too long"
    waiting = _memory(worker)

    project.ledger.wait_for("begin", 200 + due, timeout=first - time.time() + due / 2000 + 20)
    late = _lateness(project, first, due)
    figures(
        f"{many} delayed tasks waiting, {due} due at 2,000/s", f"sent in {publishing:.1f} s", f"memory {waiting - before:+d} bytes",
        f"started at the median {late[len(late) // 2]:.3f} s, at the latest {late[-1]:.3f} s after their time",
    )

    assert len(late) == due
    assert waiting - before < 3_000_000
    assert late[-1] < 1.0
    assert project.depth() == many


def _memory(worker: Any) -> int:
    return sum(psutil.Process(pid).memory_full_info().uss for pid in worker.all_pids)


def _publish_delayed(app: Any, count: int, dues: list[float]) -> None:
    for start in range(0, count, 2_000):
        batch = []
        for number in range(start, min(start + 2_000, count)):
            due = dues[number % len(dues)]
            message = TaskMessage("tasks.started_at", f"delayed-{len(dues)}-{number}", eta=format_time(due))
            batch.append(Outgoing(encode_task(message), "celery", due=due))
        app.broker.publish(batch)


def _lateness(project: RedisProject, first: float, due: int) -> list[float]:
    prefix = f"delayed-{due}-"
    found = []
    for entry in project.ledger.entries("begin"):
        if entry.id.startswith(prefix):
            found.append(entry.at - first - int(entry.id.removeprefix(prefix)) / 2_000)
    return sorted(found)
