"""Death at named points of the code: between any two steps of a task's way through the worker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

POINTS = [
    "consumer.fetched", "consumer.acked", "consumer.dispatched", "task.claimed", "task.ran", "task.sent", "consumer.flushing", "consumer.flushed",
]
LATE_POINTS = [point for point in POINTS if point != "consumer.acked"]


def die_at(project: Project, point: str, task: str) -> list[str]:
    """Run tasks through a worker whose next process to reach ``point`` dies there; return their ids."""
    worker = project.worker("-c", "2")
    project.states([project.send("safe") for _ in range(10)])
    worker.kill_at(point)
    results = [project.send(task, 0.002) for _ in range(40)]
    eventually(lambda: not (worker.signposts / f"{point}.kill").exists(), f"a process died at {point}", explain=worker.describe)
    project.states([project.send("safe") for _ in range(10)], timeout=20)
    return [result.id for result in results]


@pytest.mark.parametrize("point", LATE_POINTS)
def test_a_late_task_survives_death_at_any_point(project: Project, point: str) -> None:
    ids = die_at(project, point, "safe")

    states = project.states([project.client.AsyncResult(task_id) for task_id in ids], timeout=20)

    assert set(states.values()) == {"SUCCESS"}
    assert project.ledger.account(ids).lost == set()
    eventually(lambda: project.depth() == 0, "the queue is empty", explain=project.describe)


@pytest.mark.parametrize("point", POINTS)
def test_an_early_task_never_begins_twice_whatever_point_death_comes_at(project: Project, point: str) -> None:
    ids = die_at(project, point, "early")

    eventually(lambda: project.depth() == 0, "the queue is empty", timeout=20, explain=project.describe)
    account = project.ledger.account(ids)
    assert account.doubled == set()
    assert len(account.lost) <= 20, str(account)


@pytest.mark.parametrize("point", ["consumer.fetched", "consumer.flushing", "consumer.flushed"])
def test_retries_are_neither_lost_nor_doubled_by_a_death_around_the_flush(project: Project, point: str) -> None:
    """The retry's message, the state and the settlement are one write: after a crash there is either all of it or none."""
    worker = project.worker("-c", "2")
    project.states([project.send("safe") for _ in range(10)])
    worker.kill_at(point)

    results = [project.send("retries_late") for _ in range(20)]

    states = project.states(results, timeout=20)
    assert set(states.values()) == {"SUCCESS"}
    seconds = [entry for entry in project.ledger.entries("begin") if entry.note == 1]
    assert len({entry.id for entry in seconds}) == 20
    eventually(lambda: project.depth() == 0, "the queue is empty", explain=project.describe)


def test_a_worker_killed_the_moment_it_is_ready_leaves_nothing_stuck(make_project: Callable[..., Project]) -> None:
    project = make_project(conf={"worker_lease": 1.0})
    results = [project.send("safe") for _ in range(20)]
    first = project.worker("-c", "2", ready=False)
    first.wait_signpost("consumer.fetched")
    first.process.kill()
    first.wait_exit()

    project.worker("-c", "2")

    assert set(project.states(results, timeout=20).values()) == {"SUCCESS"}
