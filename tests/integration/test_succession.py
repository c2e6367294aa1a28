"""Chains on an idle worker: each task begins where the last one has ended, and all that holds for messages holds for them."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest

from celeriac import chain
from tests.harness.ledger import Entry
from tests.harness.project import Project
from tests.harness.waiting import eventually

MakeProject = Callable[..., Project]


def steps(project: Project, *each: tuple[str, float], **options: Any) -> list[Any]:
    """Send a chain of (name, seconds); return the results of its steps, the first one first."""
    names = [project.client.signature(f"tasks.{name}", (seconds,), immutable=True, **options) for name, seconds in each]
    result = chain(*names, app=project.client).apply_async()
    found = [result]
    while found[0].parent is not None:
        found.insert(0, found[0].parent)
    return found


def begun(project: Project, result: Any) -> Entry:
    return project.ledger.wait_for("begin", task_id=result.id, timeout=20)[0]


def counts(project: Project, results: list[Any]) -> list[int]:
    return [project.ledger.count("begin", [result.id]) for result in results]


def test_a_chain_runs_in_one_process_and_the_log_tells_each_step_in_order(project: Project) -> None:
    worker = project.worker("-c", "2", "-E")

    results = steps(project, *[("early", 0.0)] * 30)

    assert results[-1].get(timeout=20) is None
    assert set(project.states(results).values()) == {"SUCCESS"}
    assert counts(project, results) == [1] * 30
    assert len({begun(project, result).pid for result in results}) == 1
    assert project.depth() == 0
    assert worker.stop() == 0
    told = re.findall(r"tasks\.early\[(\S+)\] (received|succeeded)", worker.log)
    assert told == [(result.id, word) for result in results for word in ("received", "succeeded")]


def test_a_step_that_was_revoked_does_not_begin(project: Project) -> None:
    project.worker("-c", "1")
    results = steps(project, ("early", 0.0), ("early", 1.0), ("early", 0.0))
    begun(project, results[1])

    results[2].revoke(wait=True)

    assert project.states(results) == {results[0].id: "SUCCESS", results[1].id: "SUCCESS", results[2].id: "REVOKED"}
    assert counts(project, results) == [1, 1, 0]


def test_a_worker_that_ends_leaves_the_rest_to_the_next_one(project: Project) -> None:
    worker = project.worker("-c", "2")
    results = steps(project, ("early", 0.0), ("early", 1.0), ("early", 0.0), ("early", 0.0))
    begun(project, results[1])

    assert worker.stop() == 0
    assert (counts(project, results), project.depth()) == ([1, 1, 0, 0], 1)
    project.worker("-c", "2")

    assert set(project.states(results).values()) == {"SUCCESS"}
    assert counts(project, results) == [1, 1, 1, 1]


def test_when_its_process_is_killed_only_the_step_that_ran_is_lost(project: Project) -> None:
    project.worker("-c", "2")
    results = steps(project, ("early", 0.0), ("early", 0.0), ("early", 30.0), ("early", 0.0))

    os.kill(begun(project, results[2]).pid, signal.SIGKILL)

    states = project.states(results)
    assert [states[result.id] for result in results] == ["SUCCESS", "SUCCESS", "FAILURE", "FAILURE"]
    assert type(results[2].result).__name__ == "WorkerLostError"
    assert counts(project, results) == [1, 1, 1, 0]
    assert project.send("add", 1, 2).get(timeout=20) == 3


def test_when_the_consumer_is_killed_the_step_that_runs_goes_on(project: Project) -> None:
    worker = project.worker("-c", "2")
    results = steps(project, ("early", 0.0), ("early", 0.0), ("early", 1.5), ("early", 0.0))
    begun(project, results[2])
    eventually(lambda: results[1].state == "SUCCESS", "what was before it is stored")

    os.kill(worker.consumer(), signal.SIGKILL)

    assert set(project.states(results).values()) == {"SUCCESS"}
    assert counts(project, results) == [1, 1, 1, 1]


@pytest.mark.parametrize("between", ["late", "safe"])
def test_steps_that_are_acknowledged_late_come_by_the_broker(project: Project, between: str) -> None:
    project.worker("-c", "1")

    results = steps(project, ("early", 0.0), (between, 0.0), (between, 0.0), ("early", 0.0))

    assert set(project.states(results).values()) == {"SUCCESS"}
    assert counts(project, results) == [1] * 4


def test_a_process_that_has_run_enough_leaves_the_next_step_to_another(project: Project) -> None:
    project.worker("-c", "1", "--max-tasks-per-child", "2")

    results = steps(project, *[("early", 0.0)] * 6)

    assert set(project.states(results).values()) == {"SUCCESS"}
    pids = [begun(project, result).pid for result in results]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 2]


def test_a_limit_that_was_changed_holds_for_the_next_step(project: Project) -> None:
    project.worker("-c", "1")
    results = steps(project, ("early", 0.8), ("early", 30.0))
    begun(project, results[0])

    project.client.control.time_limit("tasks.early", hard=0.5, reply=True)

    states = project.states(results)
    assert [states[result.id] for result in results] == ["SUCCESS", "FAILURE"]
    assert type(results[1].result).__name__ == "TimeLimitExceeded"
