"""Every signal and handler of a worker: which, with what, in which order, and where, in each executor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from celeriac.model.envelope import Envelope, Outgoing
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.waiting import eventually

MODULE = Path(harness.__file__).parent / "sample" / "hooked.py"
POOLS = ("prefork", "solo", "threads", "asyncio", "gevent", "eventlet")
Make = Callable[..., Project]

START = ["import_modules", "celeryd_init", "worker_init", "after_setup_logger", "after_setup_task_logger", "celeryd_after_setup"]
"""Celery 5.7's order, seen by running it."""
RETURNS = ["task_prerun", "before_start", "run", "on_success", "task_success", "after_return", "task_postrun"]
RAISES = ["task_prerun", "before_start", "run", "on_failure", "task_failure", "after_return", "task_postrun"]
RETRIES = ["task_prerun", "before_start", "run", "on_retry", "task_retry", "task_postrun"]
ARGUMENTS = {
    "celeryd_init": ["conf", "instance", "options", "signal"],
    "celeryd_after_setup": ["conf", "instance", "signal"],
    "after_setup_logger": ["colorize", "datefmt", "format", "logfile", "logger", "loglevel", "signal"],
    "after_setup_task_logger": ["colorize", "datefmt", "format", "logfile", "logger", "loglevel", "signal"],
    "worker_init": ["signal"],
    "worker_before_create_process": ["signal"],
    "worker_process_init": ["signal"],
    "worker_process_shutdown": ["exitcode", "pid", "signal"],
    "worker_ready": ["signal"],
    "worker_shutting_down": ["exitcode", "how", "sig", "signal"],
    "worker_shutdown": ["signal"],
    "task_received": ["request", "signal"],
    "task_prerun": ["args", "kwargs", "signal", "task", "task_id"],
    "task_postrun": ["args", "kwargs", "retval", "signal", "state", "task", "task_id"],
    "task_success": ["result", "runtime", "signal"],
    "task_failure": ["args", "einfo", "exception", "kwargs", "signal", "task_id", "traceback"],
    "task_retry": ["einfo", "reason", "request", "signal"],
    "task_revoked": ["expired", "request", "signal", "signum", "terminated"],
    "before_task_publish": ["body", "declare", "exchange", "headers", "properties", "retry_policy", "routing_key", "signal"],
    "after_task_publish": ["body", "exchange", "headers", "routing_key", "signal"],
    "task_unknown": ["exc", "id", "message", "name", "signal"],
    "task_rejected": ["exc", "message", "signal"],
    "task_internal_error": ["args", "einfo", "exception", "kwargs", "request", "signal", "task_id", "traceback"],
    "task_sent": ["args", "eta", "kwargs", "signal", "task", "task_id", "taskset"],
    "eventlet_pool_apply": ["args", "kwargs", "signal", "target"],
}


def traced(project: Project, task_id: str | None = None) -> list[Any]:
    return project.ledger.entries("trace", task_id)


def names(entries: list[Any], *left_out: str) -> list[str]:
    return [entry.note[0] for entry in entries if entry.note[0] not in left_out]


@pytest.fixture
def traced_worker(make_project: Make) -> Callable[[str], tuple[Project, Any]]:
    def start(pool: str) -> tuple[Project, Any]:
        project = make_project(module=MODULE)
        return project, project.worker("-P", pool, "-c", "1", env={"HOOKED": "trace"})

    return start


@pytest.mark.parametrize("pool", POOLS)
def test_signals_and_handlers_come_in_their_order(traced_worker: Callable[[str], tuple[Project, Any]], pool: str) -> None:
    project, worker = traced_worker(pool)
    results = {kind: project.send("outcome", kind) for kind in ("returns", "raises", "retries")}
    expired = project.send("outcome", expires=-1)
    states = project.states([*results.values(), expired])
    for result in results.values():
        eventually(lambda result=result: "task_postrun" in names(traced(project, result.id))[-1:], "it is over")  # type: ignore[misc]
    worker.stop()

    assert ["SUCCESS", "FAILURE", "SUCCESS", "REVOKED"] == [states[result.id] for result in (*results.values(), expired)]
    _check_the_workers_life(project, pool)
    around = ("task_received", "before_task_publish", "after_task_publish", "task_sent", "eventlet_pool_apply")
    assert {"returns": RETURNS, "raises": RAISES, "retries": [*RETRIES, *RETURNS]} == {
        kind: names(traced(project, result.id), *around) for kind, result in results.items()
    }
    assert ["task_received"] == names(traced(project, results["returns"].id))[:1]
    assert ["task_revoked"] == names(traced(project, expired.id), *around)
    told = {entry.note[0]: entry.note[1] for entry in traced(project) if entry.note[0] in ARGUMENTS}
    assert {name: ARGUMENTS[name] for name in told} == told


def _check_the_workers_life(project: Project, pool: str) -> None:
    life = [entry for entry in traced(project) if entry.note[0].startswith(("worker_", "celeryd_", "after_setup", "import_", "eventlet_pool_p"))]
    began = names(life, "heartbeat_sent")
    order = list(dict.fromkeys(began))
    assert START == order[: len(START)]
    assert order.index("worker_init") < order.index("worker_ready") < order.index("worker_shutting_down") < order.index("worker_shutdown")
    assert order.index("worker_process_init") < order.index("worker_process_shutdown")
    assert ("worker_before_create_process" in order) == (pool == "prefork")
    if pool == "prefork":
        assert order.index("worker_before_create_process") < order.index("worker_process_init")
    assert [1, 1, 1] == [began.count(name) for name in ("worker_init", "worker_ready", "worker_shutdown")]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_they_come_where_the_task_runs(traced_worker: Callable[[str], tuple[Project, Any]], pool: str) -> None:
    """So that what is kept for each thread (connections of a database) is looked after where it is used."""
    project, worker = traced_worker(pool)
    result = project.send("outcome")
    result.get(timeout=20)
    eventually(lambda: "task_postrun" in names(traced(project, result.id)), "it is over")

    ran = {entry.note[0]: (entry.pid, entry.note[2]) for entry in traced(project, result.id)}
    inits = {entry.pid for entry in traced(project) if entry.note[0] == "worker_process_init"}

    assert {ran["run"]} == {ran[name] for name in RETURNS}
    assert ran["run"][0] in inits
    assert (ran["run"][0] == worker.process.pid) == (pool == "threads")
    assert ran["run"][0] != os.getpid()


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_what_is_refused_and_what_breaks_is_told_of(traced_worker: Callable[[str], tuple[Project, Any]], pool: str) -> None:
    project, worker = traced_worker(pool)
    unknown = project.send("no_such_task", 1)
    broken = project.send("outcome", "breaks")
    project.client.broker.publish([Outgoing(Envelope({}, b'{"foo": 1}'), "celery")])
    states = project.states([unknown, broken])
    eventually(lambda: "task_rejected" in names(traced(project)), "the malformed one is told of", explain=worker.describe)
    eventually(lambda: "task_postrun" in names(traced(project, broken.id))[-1:], "it is over", explain=worker.describe)
    worker.stop()

    assert {unknown.id: "FAILURE", broken.id: "SUCCESS"} == states
    around = ("task_received", "eventlet_pool_apply")
    assert 1 == names(traced(project)).count("task_unknown") == names(traced(project)).count("task_rejected")
    assert ["task_prerun", "before_start", "run", "on_success", "task_internal_error", "task_success", "after_return", "task_postrun"] == names(
        traced(project, broken.id), *around
    )
    told = {entry.note[0]: entry.note[1] for entry in traced(project) if entry.note[0] in ("task_unknown", "task_rejected", "task_internal_error")}
    assert {name: ARGUMENTS[name] for name in ("task_unknown", "task_rejected", "task_internal_error")} == told
