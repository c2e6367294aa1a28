"""What a project adds to its worker: steps, options of the command line; and its log as JSON."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import eventually

MODULE = Path(harness.__file__).parent / "sample" / "hooked.py"
Make = Callable[..., Project]


@pytest.mark.parametrize("pool", ["prefork", "gevent"])
def test_a_step_lives_with_the_worker_and_gets_the_projects_options(make_project: Make, pool: str) -> None:
    project = make_project(module=MODULE)
    worker = project.worker("-P", pool, "-c", "2", "--tint", "red", "-Z", "fancy", env={"HOOKED": "liveness"})
    alive = project.folder / "alive-red"
    eventually(alive.exists, "the file is there", explain=worker.describe)
    if pool == "prefork":
        alive.unlink()
        os.kill(worker.consumer(), signal.SIGKILL)
        eventually(alive.exists, "the file is there again, by the new consumer's step", timeout=20, explain=worker.describe)

    assert worker.stop() == 0
    assert not alive.exists()
    notes = [entry.note for entry in project.ledger.entries("step")]
    node = notes[0][1]
    assert ["start", node, 2, worker.process.pid] == notes[0]
    assert ["stop", node, 0, 0] == notes[-1]
    assert ["tasks", {"template": "fancy"}] == project.ledger.entries("preload")[0].note


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_step_that_fails_ends_the_worker_with_its_name(make_project: Make, pool: str) -> None:
    worker = make_project(module=MODULE).worker("-P", pool, "-c", "1", env={"HOOKED": "broken"}, ready=False)

    assert worker.wait_exit(20) == 1
    worker.wait_log(r"The worker cannot start: its step tasks:Broken failed: OSError\('no such port'\)")


def test_a_step_with_consumers_of_kombu_is_refused_before_the_start(make_project: Make) -> None:
    run = make_project(module=MODULE).cli("-A", "tasks", "worker", HOOKED="kombu")

    assert run.returncode == 1
    assert "The step tasks:Kombu has get_consumers, which cannot be had" in run.stderr


def test_the_projects_options_are_in_the_help_and_of_every_command(make_project: Make) -> None:
    project = make_project(module=MODULE)

    shown = project.cli("worker", "-A", "tasks", "--help").stdout
    called = project.cli("-A", "tasks", "call", "tasks.talks", "--template", "other")
    without = project.cli("call", "tasks.talks", "--template", "other")

    assert "A colour of the project's own." in shown
    assert "A template of the project's own." in shown
    assert called.returncode == 0, called.stderr
    assert {"template": "other"} in [entry.note[1] for entry in project.ledger.entries("preload")]
    assert without.returncode == 2


def lines_of(worker: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("pool", ["prefork", "asyncio"])
def test_the_log_is_json_by_one_switch(make_project: Make, pool: str) -> None:
    project = make_project(module=MODULE)
    worker = project.worker("-q", "-P", pool, "-c", "1", "--json-logs")
    talked, failed = project.send("talks"), project.send("outcome", "raises")
    project.states([talked, failed])
    worker.stop()

    assert [] == [line for line in worker.log.splitlines() if not line.startswith("{")]
    found = {line["message"]: line for line in lines_of(worker)}
    succeeded = next(line for message, line in found.items() if "succeeded" in message)
    raised = next(line for line in found.values() if "exception" in line)
    said = [found[text] for text in ("said by the task", "said by a package", "printed")]
    assert ("tasks.talks", talked.id) == (succeeded["task_name"], succeeded["task_id"])
    assert 0 < succeeded["runtime_ms"] < 10_000
    assert {(talked.id, "tasks.talks")} == {(line.get("task_id"), line.get("task_name")) for line in said}
    assert "acme" == found["said by the task"]["tenant"]
    assert ("ERROR", failed.id) == (raised["level"], raised["task_id"])
    assert raised["exception"].endswith("ValueError: on purpose")
    assert {"time", "level", "logger", "message", "process", "pid"} <= set.intersection(*map(set, found.values()))
