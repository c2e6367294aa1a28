"""A worker on a platform as poor as Windows: no fork, no unix sockets, no POSIX signals beyond TERM and INT."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import PATIENCE, eventually

HARNESS = Path(harness.__file__).parent
PREPARE = HARNESS / "poor_platform.py"


@pytest.mark.parametrize("pool", ["", "threads", "asyncio", "solo"])
def test_a_worker_runs_and_drains_without_posix(make_project: Callable[..., Project], pool: str) -> None:
    project = make_project(module=HARNESS / "sample" / "executor_tasks.py")
    words = [sys.executable, str(PREPARE), "-A", "tasks", "worker", "-l", "info", *(["-P", pool] if pool else [])]
    log = project.folder / "poor.log"
    with log.open("w") as output:
        worker = subprocess.Popen(words, env=project.env(), cwd=project.folder, stdout=output, stderr=output, start_new_session=True)

    eventually(lambda: "ready." in log.read_text() or worker.poll() is not None, "the worker is ready", explain=log.read_text)
    assert {"SUCCESS"} == set(project.states(project.send_many("add", 100, 1, 2)).values())
    assert project.send("thread_of").get(timeout=10)[0] == worker.pid
    worker.send_signal(signal.SIGINT)

    assert worker.wait(10 * PATIENCE) == 0, log.read_text()
    assert f"({pool or 'threads'})" in log.read_text()


def test_prefork_is_refused_by_name_without_posix(make_project: Callable[..., Project]) -> None:
    run = make_project().python(str(PREPARE), "-A", "tasks", "worker", "-P", "prefork")

    assert run.returncode == 2
    assert "'prefork' cannot be had on this platform" in run.stderr
