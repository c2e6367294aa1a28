"""Soft and hard limits, and what they leave behind."""

from __future__ import annotations

import os
import time

import pytest

from celeriac import exceptions
from tests.harness.project import Project
from tests.harness.waiting import eventually


def test_the_soft_limit_raises_inside_the_task(shared: Project) -> None:
    called = time.monotonic()
    result = shared.send("over_soft_limit")

    assert result.get(timeout=10) == "cleaned up"
    assert time.monotonic() - called < 1.5


def test_a_soft_limit_that_is_not_caught_fails_the_task(shared: Project) -> None:
    result = shared.send("over_soft_limit_uncaught")

    with pytest.raises(exceptions.SoftTimeLimitExceeded):
        result.get(timeout=10)


def test_the_hard_limit_ends_a_task_that_catches_everything(shared: Project) -> None:
    called = time.monotonic()
    result = shared.send("over_hard_limit")

    with pytest.raises(exceptions.TimeLimitExceeded):
        result.get(timeout=10)

    assert time.monotonic() - called < 2.5
    begun = shared.ledger.entries("begin", result.id)
    assert len(begun) == 1
    assert not os.path.exists(f"/proc/{begun[0].pid}") or begun[0].pid not in shared.workers[0].children
    assert shared.send("add", 1, 1).get(timeout=5) == 2


def test_the_hard_limit_comes_after_the_soft_one(shared: Project) -> None:
    result = shared.send("ignores_soft_limit")

    with pytest.raises(exceptions.TimeLimitExceeded):
        result.get(timeout=10)
    assert shared.ledger.count("soft", [result.id]) >= 1


def test_limits_may_be_given_by_the_call(shared: Project) -> None:
    soft = shared.send("early", 30, soft_time_limit=0.3)
    hard = shared.send("early", 30, time_limit=0.5)

    with pytest.raises(exceptions.SoftTimeLimitExceeded):
        soft.get(timeout=10)
    with pytest.raises(exceptions.TimeLimitExceeded):
        hard.get(timeout=10)


def test_the_killed_process_is_replaced(shared: Project) -> None:
    worker = shared.workers[0]
    shared.send("add", 1, 1).get(timeout=10)

    shared.send("over_hard_limit").get(timeout=10, propagate=False)

    eventually(lambda: len(worker.task_processes()) == 2, "there are two task processes again", explain=worker.describe)
    assert [shared.send("add", n, 1).get(timeout=5) for n in range(4)] == [1, 2, 3, 4]


def test_limits_are_logged(shared: Project) -> None:
    result = shared.send("over_hard_limit")
    result.get(timeout=10, propagate=False)

    shared.workers[0].wait_log(rf"Hard time limit \([\d.]+s\) exceeded for tasks\.over_hard_limit\[{result.id}\]")


def test_limits_for_all_tasks_are_options_of_the_worker(project: Project) -> None:
    project.worker("-c", "1", "--soft-time-limit", "0.3", "--time-limit", "10")

    with pytest.raises(exceptions.SoftTimeLimitExceeded):
        project.send("early", 30).get(timeout=10)


def test_limits_stop_with_the_task(shared: Project) -> None:
    """A limit that fires late must not hit the task that runs next in the same process."""
    results = [shared.send("early", 0.02, n, soft_time_limit=0.5, time_limit=1) for n in range(60)]

    assert [result.get(timeout=20) for result in results] == list(range(60))
