"""New code in a running worker: ``control pool_restart`` with modules."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

MakeProject = Callable[..., Project]

APP = """
import json, os
from celeriac import Celeriac
app = Celeriac("proj", include=["jobs"])
app.conf.update(json.loads(os.environ["CELERIAC_TEST_CONF"]))

@app.task
def here():
    return 1
"""
JOBS = """
from proj import app

@app.task(name="tasks.version")
def version():
    return {version!r}
"""
CONF = {"worker_pool_restarts": True}


def ask(project: Project, **arguments: Any) -> Any:
    (reply,) = project.client.control.broadcast("pool_restart", arguments=arguments, reply=True, limit=1, timeout=20)
    (answer,) = reply.values()
    return answer


@pytest.fixture
def own(make_project: MakeProject) -> Project:
    project = make_project(conf=CONF)
    (project.folder / "proj.py").write_text(APP)
    write(project, "one")
    return project


def write(project: Project, version: str) -> None:
    (project.folder / "jobs.py").write_text(JOBS.format(version=version))


@pytest.mark.parametrize("options", [[], ["-P", "threads"], ["--pool-start-method", "spawn"]], ids=lambda words: "".join(words[-1:]))
def test_tasks_are_loaded_anew(own: Project, options: list[str]) -> None:
    own.worker("-c", "1", *options, app="proj")
    assert own.send("version").get(timeout=30) == "one"

    write(own, "the second")
    assert ask(own, modules=["jobs"], reload=True) == {"ok": "reload started"}

    eventually(lambda: own.send("version").get(timeout=30) == "the second", "new processes run the new code", timeout=30)


def test_a_new_module_brings_new_tasks_and_broken_code_changes_nothing(own: Project) -> None:
    worker = own.worker("-c", "1", app="proj")
    before = set(worker.task_processes())
    (own.folder / "more.py").write_text("from proj import app\n@app.task(name='tasks.more')\ndef more():\n    return 'more'\n")

    assert ask(own, modules=["more"]) == {"ok": "reload started"}
    eventually(lambda: (now := set(worker.task_processes())) and not now & before, "the process is a new one", timeout=30)
    assert own.send("more").get(timeout=30) == "more"

    (own.folder / "jobs.py").write_text("this is no Python\n")
    assert "jobs cannot be loaded (SyntaxError" in ask(own, modules=["jobs"], reload=True)["error"]
    assert "no_such_module cannot be loaded (ModuleNotFoundError" in ask(own, modules=["no_such_module"])["error"]
    assert own.send("version").get(timeout=30) == "one"

    write(own, "the second")
    told = own.cli("-A", "proj", "control", "pool_restart", "yes", "jobs", "-t", "10", "-d", f"w1@{os.uname().nodename}")
    assert (told.returncode, "reload started" in told.stdout) == (0, True), told.stdout + told.stderr
    eventually(lambda: own.send("version").get(timeout=30) == "the second", "new processes run the new code", timeout=30)


def test_a_module_that_makes_the_application_is_refused(own: Project) -> None:
    own.worker("-c", "1", app="proj")

    assert "makes the application itself" in ask(own, modules=["proj"], reload=True)["error"]
    assert "makes the application itself" in ask(own, reload=True)["error"]
    assert own.send("version").get(timeout=30) == "one"
    write(own, "the second")
    assert ask(own, modules="jobs", reload=True) == {"ok": "reload started"}
    eventually(lambda: own.send("version").get(timeout=30) == "the second", "new processes run the new code", timeout=30)
    assert "which no command can carry" in ask(own, reloader="mine")["error"]


def test_words_that_are_no_truth_are_refused(own: Project) -> None:
    refused = own.cli("-A", "proj", "control", "pool_restart", "jobs")

    assert refused.returncode == 2
    assert "reload cannot be 'jobs'" in refused.stderr
