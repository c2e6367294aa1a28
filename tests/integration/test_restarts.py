"""A worker that starts again: by HUP, and when a source file changes."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from tests.harness.project import Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

ADDS, SUBTRACTS = "return x + y\n", "return x - y\n"


def edit(project: Project, old: str, new: str) -> None:
    path = project.folder / "tasks.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_hup_finishes_what_runs_and_starts_the_same_command_with_new_code_in_the_same_process(project: Project) -> None:
    worker = project.worker("-c", "1", "--pidfile", "worker.pid")
    running = project.send("early", 0.8)
    project.ledger.wait_for("begin")
    edit(project, ADDS, SUBTRACTS)

    worker.signal(signal.SIGHUP)
    worker.wait_log(r"@\S+ ready\.", 2, timeout=20)

    assert project.send("add", 5, 3).get(timeout=15) == 2
    assert (running.state, project.ledger.count("begin", [running.id])) == ("SUCCESS", 1)
    assert (project.folder / "worker.pid").read_text() == f"{worker.supervisor}\n"
    assert psutil.Process(worker.supervisor).cmdline()[1:] == worker.command
    assert worker.stop() == 0


def test_term_ends_a_worker_that_is_about_to_start_again(project: Project) -> None:
    worker = project.worker("-c", "1")
    result = project.send("late", 1.0)
    project.ledger.wait_for("begin")

    worker.signal(signal.SIGHUP)
    worker.wait_log("then it starts again")
    worker.signal(signal.SIGTERM)

    assert worker.wait_exit() == 0
    assert result.state == "SUCCESS"


def reloading(project: Project) -> WorkerProcess:
    worker = project.worker("-c", "1", "--reload")
    assert project.send("add", 5, 3).get(timeout=15) == 8
    return worker


def test_reload_runs_new_code_survives_a_syntax_error_and_ends_with_term(project: Project) -> None:
    worker = reloading(project)

    edit(project, ADDS, SUBTRACTS)
    worker.wait_log(r"@\S+ ready\.", 2, timeout=20)
    assert project.send("add", 5, 3).get(timeout=15) == 2

    edit(project, SUBTRACTS, "return x -\n")
    worker.wait_log("it starts again with the next change", timeout=20)
    assert worker.process.poll() is None

    edit(project, "return x -\n", "return x * y\n")
    worker.wait_log(r"@\S+ ready\.", 3, timeout=20)
    assert project.send("add", 5, 3).get(timeout=15) == 15
    assert worker.stop() == 0
    eventually(lambda: project.processes() == [], "nothing is left behind", explain=worker.describe)


def test_a_reloading_worker_leaves_nothing_behind_when_it_is_killed(project: Project) -> None:
    worker = reloading(project)

    worker.process.kill()

    worker.wait_exit()
    eventually(lambda: project.processes() == [], "nothing is left behind", timeout=20, explain=worker.describe)


def test_reload_names_the_extra_that_is_missing(project: Project) -> None:
    missing = project.folder / "missing"
    missing.mkdir()
    Path(missing / "watchfiles.py").write_text("raise ImportError('not installed')\n")

    done = project.cli("-A", "tasks", "worker", "--reload", PYTHONPATH=str(missing))

    assert (done.returncode, done.stderr) == (1, "Error: --reload needs watchfiles: install celeriac[reload]\n")
