"""How fast the executors in one process have to be, on two cores that they share with whatever else runs.

Celery's figures, of one run on such a machine with Redis: 744 tasks/s with threads, 312 with gevent.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from celeriac.canvas.sending import collecting
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import PATIENCE, eventually

TASKS = Path(harness.__file__).parent / "sample" / "executor_tasks.py"


def fill(project: Project, name: str, count: int, *args: Any) -> None:
    """Put so many calls into the queue, a thousand at a time."""
    client = project.client
    for begin in range(0, count, 1000):
        with collecting() as plans:
            for _ in range(min(1000, count - begin)):
                client.send_task(f"tasks.{name}", args)
        client.broker.publish([message for plan in plans for message in client.publisher.encode_plan(plan)])


def drain(project: Project, count: int, *options: str) -> tuple[float, float]:
    """Start a worker on a full queue; return the seconds from its start until all has ended, and its memory's peak in MB."""
    begun = time.monotonic()
    worker = project.worker(*options, ready=False)
    process = psutil.Process(worker.supervisor)
    peak = 0.0

    def done() -> bool:
        nonlocal peak
        peak = max(peak, process.memory_info().rss / 1e6)
        return worker.log.count(" succeeded in ") >= count

    eventually(done, f"{count} tasks have succeeded", timeout=60, pause=0.05)
    seconds = time.monotonic() - begun
    os.kill(worker.supervisor, signal.SIGTERM)
    assert worker.wait_exit() == 0
    return seconds, peak


def test_ten_thousand_coroutines_that_wait_a_second(make_project: Callable[..., Project]) -> None:
    project = make_project(module=TASKS)
    fill(project, "waits", 10_000, 1.0)

    seconds, megabytes = drain(project, 10_000, "-P", "asyncio", "-c", "2000")

    assert seconds < 8 * PATIENCE
    assert megabytes < 250


@pytest.mark.parametrize(("pool", "concurrency", "celerys"), [("threads", "50", 744), ("gevent", "500", 312)])
def test_tasks_that_do_nothing(make_project: Callable[..., Project], pool: str, concurrency: str, celerys: int) -> None:
    project = make_project(module=TASKS)
    fill(project, "add", 20_000, 1, 2)

    seconds, _ = drain(project, 20_000, "-P", pool, "-c", concurrency)

    # The start of the worker is counted too.
    assert 20_000 / seconds > 8 * celerys / PATIENCE


def test_a_thousand_soft_limits_come_in_time(make_project: Callable[..., Project]) -> None:
    project = make_project(module=TASKS)
    project.worker("-P", "gevent", "-c", "500")
    fill(project, "sleeps_over_a_second", 1000)

    entries = project.ledger.wait_for("soft", 1000, timeout=20)

    assert max(entry.note for entry in entries) < 1.2 * PATIENCE
