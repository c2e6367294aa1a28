from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from celeriac.lib.importing import symbol_by_name
from celeriac.worker import boot
from celeriac.worker.options import WorkerOptions
from tests.unit.cli.conftest import Run


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[WorkerOptions]:
    """Workers are not run: their options are noted."""
    seen: list[WorkerOptions] = []

    def run(app: Any, options: WorkerOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr(boot, "run", run)
    return seen


def test_options_reach_the_worker(cli: Run, tasks: Path, started: list[WorkerOptions]) -> None:
    words = "-A tasks worker -l info -c 3 -Q a,b -n w1@%h --max-tasks-per-child 7 --soft-time-limit=1.5 -O fair"
    status, _, err = cli(*words.split())

    assert status == 0, err
    (options,) = started
    assert (options.loglevel, options.concurrency, options.queues) == (20, 3, ("a", "b"))
    assert (options.max_tasks_per_child, options.soft_time_limit) == (7, 1.5)
    assert options.hostname.startswith("w1@")


def test_trailing_words_are_settings(cli: Run, tasks: Path, started: list[WorkerOptions]) -> None:
    status, _, err = cli("worker", "-A", "tasks", "worker.concurrency=5", "worker.redirect_stdouts=no")

    assert status == 0, err
    assert started[0].concurrency == 5
    assert symbol_by_name("tasks:app").conf.worker_redirect_stdouts is False


def test_quiet_and_no_color_reach_the_worker(cli: Run, tasks: Path, started: list[WorkerOptions]) -> None:
    cli("-A", "tasks", "-q", "-C", "worker")

    assert (started[0].quiet, started[0].colour) == (True, False)


@pytest.mark.parametrize(
    "words", ["--executable /nowhere/python", "-P nonsense"]
)
def test_what_cannot_be_had_is_refused_by_name(cli: Run, tasks: Path, started: list[WorkerOptions], words: str) -> None:
    status, _, err = cli("-A", "tasks", "worker", *words.split())

    assert status == 2
    assert ("cannot be run" in err) or ("does not exist" in err)
    assert started == []


def test_mistyped_settings_are_told_before_the_worker_starts(cli: Run, tasks: Path, started: list[WorkerOptions]) -> None:
    tasks.write_text(tasks.read_text() + "app.conf.update(task_allways_eager=True)\n")

    _, _, err = cli("-A", "tasks", "worker")

    assert err.count("task_always_eager") == 1
    assert len(started) == 1


def test_purge_empties_the_queues_first(cli: Run, tasks: Path, started: list[WorkerOptions]) -> None:
    cli("-A", "tasks", "call", "tasks.add", "-a", "[1, 2]")

    _, _, err = cli("-A", "tasks", "worker", "--purge")

    assert "purged 1 message" in err


def test_a_pid_file_is_held_while_the_worker_runs(cli: Run, tasks: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    held: list[bool] = []

    def run(app: Any, options: WorkerOptions) -> int:
        held.append((project / "w1.pid").exists())
        return 3

    monkeypatch.setattr(boot, "run", run)

    status, _, _ = cli("-A", "tasks", "worker", "-n", "w1@x", "--pidfile", "%n.pid")

    assert (status, held, (project / "w1.pid").exists()) == (3, [True], False)


def test_another_python_goes_on_with_the_same_words(cli: Run, tasks: Path, started: list[WorkerOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda path, words: became.append([path, *words]))
    monkeypatch.setattr("sys.argv", ["/bin/celery", "-A", "tasks", "worker", "--executable", "/opt/python"])

    cli("-A", "tasks", "worker", "--executable", "/opt/python")
    cli("-A", "tasks", "worker", "--executable", sys.executable)

    assert [["/opt/python", "/opt/python", "-m", "celeriac", "-A", "tasks", "worker", "--executable", "/opt/python"]] == became
