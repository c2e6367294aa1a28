"""Tasks that take their process with them: only their own attempt is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

WAYS = ["exit", "_exit", "kill", "segfault", "abort"]


@pytest.mark.parametrize("how", WAYS)
def test_a_task_that_kills_its_process_fails_alone(shared: Project, how: str) -> None:
    worker = shared.workers[0]
    before = [shared.send("early", 0.005, n) for n in range(20)]
    result = shared.send("dies", how)
    after = [shared.send("early", 0.005, n) for n in range(20)]

    error = result.get(timeout=10, propagate=False)

    assert (result.state, type(error).__name__) == ("FAILURE", "WorkerLostError")
    assert set(shared.states([*before, *after]).values()) == {"SUCCESS"}
    assert shared.ledger.count("begin", [result.id]) == 1
    eventually(lambda: len(worker.task_processes()) == 2, "its process was replaced", explain=worker.describe)


@pytest.mark.parametrize("how", ["_exit", "kill", "segfault"])
def test_a_late_task_that_kills_its_process_is_repeated_within_bounds_and_set_aside(make_project: Callable[..., Project], how: str) -> None:
    project = make_project()
    project.conf["task_max_deliveries"] = 3
    project.worker("-c", "2")
    result = project.send("dies_late", how)
    others = [project.send("early", 0.001, n) for n in range(20)]

    error = result.get(timeout=20, propagate=False)

    assert (type(error).__name__, 3) == ("WorkerLostError", project.ledger.count("begin", [result.id]))
    assert set(project.states(others).values()) == {"SUCCESS"}
    assert result.id in project.cli("-A", "tasks", "dead", "list").stdout


def test_a_late_task_that_kills_its_process_is_not_repeated_when_it_says_so(shared: Project) -> None:
    result = shared.send("dies_late_once", "kill")

    error = result.get(timeout=10, propagate=False)

    assert (type(error).__name__, 1) == ("WorkerLostError", shared.ledger.count("begin", [result.id]))


def test_the_loss_names_the_signal(shared: Project) -> None:
    error = shared.send("dies", "segfault").get(timeout=10, propagate=False)

    assert "signal 11 (SIGSEGV)" in str(error)


@pytest.mark.parametrize("how", ["kill", "_exit"])
def test_reject_on_worker_lost_puts_the_message_back(shared: Project, how: str) -> None:
    result = shared.send("dies_once", how)

    assert result.get(timeout=10) == "survived"
    assert [entry.note["redelivered"] for entry in shared.ledger.entries("begin", result.id)] == [False, True]


def test_retry_on_worker_lost_is_bounded(shared: Project) -> None:
    result = shared.send("dies_always", "kill")

    error = result.get(timeout=15, propagate=False)

    assert result.state == "FAILURE"
    assert type(error).__name__ in ("WorkerLostError", "MaxRetriesExceededError")
    assert [entry.note for entry in shared.ledger.entries("begin", result.id)] == [0, 1, 2]


def test_a_storm_of_deaths_leaves_the_worker_standing(make_project: Callable[..., Project]) -> None:
    project = make_project()
    worker = project.worker("-c", "2")
    deaths = [project.send("dies", "kill") for _ in range(40)]
    others = [project.send("early", 0.001, n) for n in range(40)]

    states = project.states([*deaths, *others], timeout=60)

    assert {states[result.id] for result in deaths} == {"FAILURE"}
    assert {states[result.id] for result in others} == {"SUCCESS"}
    assert worker.process.poll() is None
    assert project.ledger.account(r.id for r in deaths).doubled == set()
