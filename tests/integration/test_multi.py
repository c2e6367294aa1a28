"""Several workers by ``celeriac multi``, in the background, with pid and log files."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

HOST = socket.gethostname()
FILES = ("--pidfile=run/%n.pid", "--logfile=log/%n%I.log")
START = ("-A", "tasks", "-c", "1", "-l", "info", *FILES)


def pid_of(path: Path) -> int:
    return int(path.read_text()) if path.exists() and path.read_text().strip() else 0


@pytest.fixture
def running(make_project: Callable[..., Project]) -> Project:
    """A project with the workers w1 and w2, ready."""
    project = make_project()
    finished = project.cli("multi", "start", "2", "--range-prefix=w", *START, timeout=40)
    assert finished.returncode == 0, finished.stderr
    assert f"w1@{HOST}: OK" in finished.stdout
    for name in ("w1", "w2"):
        ready(project, name, 1)
    return project


def ready(project: Project, name: str, times: int) -> None:
    log = project.folder / "log" / f"{name}.log"
    eventually(lambda: log.exists() and times <= log.read_text().count(f"{name}@{HOST} ready."), f"{name} is ready", timeout=30)


def test_workers_are_started_restarted_and_stopped(running: Project) -> None:
    files = {name: running.folder / "run" / f"{name}.pid" for name in ("w1", "w2")}
    first = {name: pid_of(path) for name, path in files.items()}
    assert len({0, *first.values()}) == 3

    again = running.cli("multi", "start", "w1", *START, timeout=40)
    assert again.returncode == 1
    assert f"run/w1.pid belongs to process {first['w1']}" in again.stderr

    os.kill(first["w1"], signal.SIGHUP)
    ready(running, "w1", 2)
    assert first["w1"] == pid_of(files["w1"])

    restarted = running.cli("multi", "restart", "w2", *START, timeout=60)
    assert restarted.returncode == 0, restarted.stderr
    ready(running, "w2", 2)
    assert pid_of(files["w2"]) not in (0, first["w2"])

    stopped = running.cli("multi", "stopwait", "2", "--range-prefix=w", *FILES, timeout=60)
    assert stopped.stdout.count("ended") == 2
    assert not any(path.exists() for path in files.values())
    assert f"> w1@{HOST}: DOWN" in running.cli("multi", "stop", "w1", *FILES).stdout
