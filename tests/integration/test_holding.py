"""How much a worker holds, from which queue it takes, and what it does about memory."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from celeriac import exceptions
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import eventually

MODULE = Path(harness.__file__).parent / "sample" / "hooked.py"
CONTROLLED = Path(harness.__file__).parent / "sample" / "controlled.py"
Make = Callable[..., Project]


def begun(project: Project) -> list[str]:
    return [entry.id for entry in project.ledger.entries("begin")]


# --- how much


@pytest.mark.parametrize(
    ("pool", "words", "most"),
    [
        ("prefork", ["--disable-prefetch"], 2),
        ("prefork", ["--prefetch-multiplier", "1"], 2),
        ("prefork", ["--prefetch-multiplier", "3"], 6),
        ("threads", ["--prefetch-multiplier", "3"], 6),
    ],
)
def test_a_worker_holds_no_more_than_it_may(make_project: Make, pool: str, words: list[str], most: int) -> None:
    project = make_project(module=MODULE)
    short = project.send_many("waits", 60, 0.0)
    project.worker("-P", pool, "-c", "2", *words)
    assert {"SUCCESS"} == set(project.states(short).values())
    # The worker takes them for short by now, and would fetch many.
    long = project.send_many("waits", 40, 0.8)
    eventually(lambda: len(begun(project)) >= 62, "two of the long ones run", timeout=20)

    (replies,) = [project.client.control.inspect(limit=1)]
    held = len(next(iter(replies.reserved().values()))) + len(next(iter(replies.active().values())))

    assert held <= most
    assert project.depth() >= 40 - most - 2
    project.client.control.revoke([result.id for result in long])


# --- from which queue


def drained(make_project: Make, options: dict[str, Any], queues: str, **counts: int) -> list[str]:
    """Fill queues, let one worker empty them, and return from which queue the tasks came that began."""
    project = make_project(module=MODULE, conf={"worker_packet_time": 0.0, **options})
    queue_of = {result.id: name for name, count in counts.items() for result in project.send_many("waits", count, 0.002, queue=name)}
    project.worker("-c", "1", "-Q", queues)
    eventually(lambda: len(begun(project)) == len(queue_of), "all have begun", timeout=30)
    return [queue_of[task_id] for task_id in begun(project)]


def test_a_deep_queue_starves_nobody(make_project: Make) -> None:
    order = drained(make_project, {}, "deep,small", deep=300, small=20)

    assert 20 == order[:100].count("small")


def test_a_strict_order_empties_the_first_queue_first(make_project: Make) -> None:
    order = drained(make_project, {"worker_queue_strategy": "strict"}, "high,low", low=60, high=60)

    assert ["high"] * 55 == order[:55]


def test_weights_divide_the_worker(make_project: Make) -> None:
    order = drained(make_project, {"worker_queue_strategy": {"high": 3}}, "low,high", low=120, high=120)

    assert 50 <= order[:80].count("high") <= 70


def test_a_strategy_that_makes_no_sense_is_named_at_start(make_project: Make) -> None:
    run = make_project(module=MODULE, conf={"worker_queue_strategy": "whatever"}).cli("-A", "tasks", "worker")

    assert run.returncode == 1
    assert "worker_queue_strategy may be 'fair', 'strict', or weights" in run.stderr


# --- memory


def test_a_process_that_grows_too_large_is_killed_for_a_stated_reason(make_project: Make) -> None:
    project = make_project(module=MODULE, conf={"worker_memory_guard": 200_000})
    worker = project.worker("-c", "1")

    greedy, modest = project.send("grows", 400), project.send("talks")

    with pytest.raises(exceptions.WorkerLostError, match=r"its memory \(\d+ KiB\) was above worker_memory_guard \(200000 KiB\)"):
        greedy.get(timeout=20)
    assert modest.get(timeout=20) == 1
    worker.wait_log(rf"Memory guard: killing process \d+, which has \d+ KiB \(at most 200000\), in tasks\.grows\[{greedy.id}\]")


def test_a_process_that_grew_while_it_was_idle_is_replaced(make_project: Make) -> None:
    project = make_project(module=MODULE)
    worker = project.worker("-c", "1", "--max-memory-per-child", "200000")

    first = project.send("keeps", 400).get(timeout=20)

    eventually(lambda: not psutil.pid_exists(first), "the process has left", timeout=20, explain=worker.describe)
    assert project.send("keeps", 0).get(timeout=20) != first
    assert "ended:" not in worker.log


# --- what remote control changed, after the consumer's death


def test_a_restarted_consumer_remembers_what_was_changed(make_project: Make) -> None:
    project = make_project(module=CONTROLLED)
    worker = project.worker("-c", "1")
    control = project.client.control
    control.rate_limit("tasks.early", "1/h", reply=True, limit=1)
    control.time_limit("tasks.says_goodbye", soft=1, hard=30, reply=True, limit=1)
    control.add_consumer("more", reply=True, limit=1)
    os.kill(worker.consumer(), signal.SIGKILL)
    worker.wait_signpost("worker.ready", 2, timeout=20)

    limited = project.send_many("early", 3)
    assert project.send("free", queue="more").get(timeout=20) > 0
    assert project.send("says_goodbye").get(timeout=20) == "goodbye"
    assert project.ledger.count("begin", [result.id for result in limited]) == 1


# --- executors in one process


@pytest.mark.parametrize(("pool", "task"), [("asyncio", "naps"), ("gevent", "waits")])
def test_running_tasks_are_ended_by_remote_control(make_project: Make, pool: str, task: str) -> None:
    project = make_project(module=MODULE)
    worker = project.worker("-P", pool, "-c", "2")
    running, other = project.send(task, 60), project.send(task, 1.0)
    eventually(lambda: len(begun(project)) == 2, "both run", timeout=20)

    (answer,) = project.client.control.terminate(running.id, reply=True, limit=1)

    assert f"terminate: {running.id}" == next(iter(answer.values()))["ok"]
    with pytest.raises(exceptions.TaskRevokedError, match="terminated"):
        running.get(timeout=10)
    assert {other.id: "SUCCESS"} == project.states([other])
    assert worker.stop() == 0


@pytest.mark.parametrize(("pool", "task"), [("asyncio", "naps"), ("gevent", "waits")])
def test_the_pool_grows_and_shrinks(make_project: Make, pool: str, task: str) -> None:
    project = make_project(module=MODULE)
    worker = project.worker("-P", pool, "-c", "1")
    first = project.send_many(task, 3, 1.2)
    eventually(lambda: len(begun(project)) == 1, "one runs", timeout=20)

    project.client.control.pool_grow(2, reply=True, limit=1)
    eventually(lambda: len(begun(project)) == 3, "all have begun", timeout=20)
    (stats,) = project.client.control.inspect(limit=1).stats().values()
    project.client.control.pool_shrink(2, reply=True, limit=1)

    assert stats["pool"]["max-concurrency"] == 3
    assert {"SUCCESS"} == set(project.states(first).values())
    second = project.send_many(task, 2, 0.3)
    project.states(second)
    starts, ends = ([entry.at for entry in project.ledger.entries(event) if entry.id in {r.id for r in second}] for event in ("begin", "end"))
    assert max(starts) >= min(ends) - 0.01
    assert worker.stop() == 0


def test_threads_scale_by_load(make_project: Make) -> None:
    project = make_project(module=MODULE)
    project.worker("-P", "threads", "--autoscale", "4,1")

    results = project.send_many("waits", 6, 1.2)

    eventually(lambda: len(begun(project)) - project.ledger.count("end") >= 3, "three run side by side", timeout=20)
    assert {"SUCCESS"} == set(project.states(results).values())


def test_a_guard_that_cannot_see_says_so(make_project: Make) -> None:
    project = make_project(module=MODULE, conf={"worker_memory_guard": 1})
    worker = project.worker("-c", "1", env={"CELERIAC_WITHOUT": "process_memory"})

    assert project.send("waits", 0.0).get(timeout=20) == "waited"
    assert "worker_memory_guard has no effect here" in worker.log
