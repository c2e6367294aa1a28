"""The soft shutdown, and signals that lead to it, in every kind of executor."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.project import Project
from tests.harness.worker_process import WorkerProcess

EXECUTORS = ["solo", "threads", "asyncio"]  # prefork: see test_acknowledgement


def running(make_project: Callable[..., Project], executor: str, soft: float, seconds: float, **options: Any) -> tuple[Project, WorkerProcess, Any]:
    """Start a worker and have it run one late acknowledged task."""
    project = make_project(conf={"worker_soft_shutdown_timeout": soft})
    worker = project.worker("-P", executor, "-c", "1", **options)
    result = project.send("late", seconds)
    project.ledger.wait_for("begin")
    return project, worker, result


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_ends_in_time_counts_and_the_status_is_zero(make_project: Callable[..., Project], executor: str) -> None:
    project, worker, result = running(make_project, executor, 20.0, 0.8)

    worker.signal(signal.SIGQUIT)

    assert worker.wait_exit(20) == 0
    assert "Soft shutdown (SIGQUIT); what runs has 20s to end" in worker.log
    assert (result.state, project.depth()) == ("SUCCESS", 0)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_does_not_goes_back_at_once_and_runs_again_once(make_project: Callable[..., Project], executor: str) -> None:
    project, worker, result = running(make_project, executor, 0.3, 30)

    worker.signal(signal.SIGQUIT)

    assert worker.wait_exit(15) == 1
    assert (project.depth(), project.ledger.count("end")) == (1, 0)
    assert worker.log.index("Soft shutdown") < worker.log.index("Cold shutdown")
    assert result.state == "PENDING"


def test_a_term_that_is_remapped_is_soft_too(make_project: Callable[..., Project]) -> None:
    _, worker, result = running(make_project, "prefork", 20.0, 0.8, env={"REMAP_SIGTERM": "SIGQUIT"})

    worker.signal(signal.SIGTERM)

    assert worker.wait_exit(20) == 0
    assert (result.state, "Soft shutdown (SIGTERM)" in worker.log) == ("SUCCESS", True)


def test_an_idle_worker_ends_without_it(make_project: Callable[..., Project]) -> None:
    project = make_project(conf={"worker_soft_shutdown_timeout": 60.0})
    worker = project.worker("-c", "1")

    worker.signal(signal.SIGQUIT)

    worker.wait_exit(15)
    assert "Soft shutdown" not in worker.log
