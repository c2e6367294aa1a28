"""Schedulers as users start them."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness.beats import Fleet
from tests.harness.project import Project
from tests.harness.waiting import eventually

QUICK = {"quick": {"task": "tasks.safe", "schedule": 0.5}, "rare": {"task": "tasks.safe", "schedule": 3600.0}}

CUSTOM = """
from celeriac.beat.names import Scheduler

class Mine(Scheduler):
    def setup_schedule(self):
        self.update_from_dict({"mine": {"task": "tasks.safe", "schedule": 0.3}})
"""


@pytest.fixture
def fleet(make_project: Callable[..., Project]) -> Iterator[Fleet]:
    project = make_project(conf={"beat_schedule": QUICK})
    with Fleet(project, f"sqlite:///{project.store}") as fleet:
        yield fleet


def entries(project: Project) -> dict[str, Any]:
    listed = project.cli("-A", "tasks", "schedule", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return {entry["name"]: entry for entry in json.loads(listed.stdout)["entries"]}


def test_a_scheduler_is_watched_and_steered_from_the_command_line(fleet: Fleet) -> None:
    project = fleet.project
    beat = fleet.start()
    beat.wait_log(r"quick: sent tasks\.safe\[", timeout=20.0)
    assert "+ quick" in beat.log
    assert entries(project)["quick"]["source"] == "code"

    assert "next:" in project.cli("-A", "tasks", "schedule", "add", "mine", "tasks.safe", "0.5").stdout
    beat.wait_log(r"mine: sent", timeout=20.0)
    assert project.cli("-A", "tasks", "schedule", "pause", "quick").returncode == 0
    assert entries(project)["quick"]["state"] == "paused"
    mistyped = project.cli("-A", "tasks", "schedule", "pause", "qiuck")
    assert mistyped.returncode == 1
    assert "did you mean 'quick'?" in mistyped.stderr
    assert re.fullmatch(r"[0-9a-f-]{36}\n", project.cli("-A", "tasks", "schedule", "run", "rare").stdout)

    assert beat.stop() == 0
    assert fleet.store.leader() is None
    project.conf["beat_schedule"] = {}
    changed = project.cli("-A", "tasks", "schedule", "diff").stdout
    assert changed.splitlines() == ["- quick", "- rare"]


def test_a_worker_may_run_a_scheduler_which_is_started_again_when_it_dies(project: Project) -> None:
    project.conf.update(beat_schedule=QUICK, beat_lease=0.6)
    worker = project.worker("-c", "1", "-B")
    first = worker.wait_signpost("beat.ready", timeout=20.0)[0]
    project.ledger.wait_for("end", 2, timeout=20.0)

    os.kill(first, signal.SIGKILL)
    worker.wait_signpost("beat.ready", 2, timeout=20.0)
    before = project.ledger.count("end")
    project.ledger.wait_for("end", before + 3, timeout=20.0)

    assert worker.stop() == 0
    eventually(lambda: project.processes() == [], "nothing is left", timeout=10.0, explain=worker.describe)


def test_a_scheduler_of_the_programs_own_runs_by_its_path(fleet: Fleet) -> None:
    (fleet.project.folder / "mine.py").write_text(CUSTOM)
    beat = fleet.start("-S", "mine:Mine")

    beat.wait_log(r"mine: sent tasks\.safe\[", 2, timeout=20.0)

    beat.signal(signal.SIGINT)
    assert beat.wait_exit() == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("beat", "-S", "no.such:Thing"), 2, "no.such:Thing"),
        (("schedule", "add", "x", "tasks.safe", "61 * * * *"), 1, "minute"),
        (("schedule", "remove", "x"), 1, "There is no entry 'x'"),
    ],
)
def test_what_makes_no_sense_is_refused(project: Project, words: tuple[str, ...], status: int, said: str) -> None:
    done = project.cli("-A", "tasks", *words)

    assert done.returncode == status, done.stderr
    assert said in done.stderr


def test_a_detached_scheduler_writes_its_pid_and_ends_by_it(fleet: Fleet) -> None:
    project = fleet.project
    done = project.cli("-A", "tasks", "beat", "-D", "-l", "info", "-f", "beat.log", "--pidfile", "beat.pid")
    assert done.returncode == 0, done.stderr
    log, pidfile = project.folder / "beat.log", project.folder / "beat.pid"
    eventually(lambda: log.exists() and "quick: sent" in log.read_text(), "it sends", timeout=20.0)

    os.kill(int(pidfile.read_text()), signal.SIGTERM)

    eventually(lambda: not pidfile.exists(), "it has ended", timeout=20.0)
