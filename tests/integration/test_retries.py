"""Trying again: by hand, by declaration, and up to a limit."""

from __future__ import annotations

import pytest

from celeriac import exceptions
from tests.harness.project import Project


def attempts(project: Project, task_id: str) -> list[int]:
    return [entry.note for entry in project.ledger.entries("begin", task_id)]


def test_a_retried_task_keeps_its_id_and_counts_its_attempts(shared: Project) -> None:
    result = shared.send("retries_until", 2)

    assert result.get(timeout=10) == 2
    assert attempts(shared, result.id) == [0, 1, 2]


def test_after_the_last_retry_the_cause_is_raised(shared: Project) -> None:
    result = shared.send("retries_until", 99)

    with pytest.raises(ValueError, match="not yet"):
        result.get(timeout=10)
    assert attempts(shared, result.id) == [0, 1, 2, 3]


def test_after_the_last_retry_without_cause_the_limit_is_named(shared: Project) -> None:
    result = shared.send("retries_without_reason")

    with pytest.raises(exceptions.MaxRetriesExceededError):
        result.get(timeout=10)
    assert attempts(shared, result.id) == [0, 1]


def test_listed_exceptions_are_retried_by_themselves(shared: Project) -> None:
    result = shared.send("retries_by_itself")

    with pytest.raises(ConnectionError, match="away"):
        result.get(timeout=10)
    assert attempts(shared, result.id) == [0, 1, 2]


def test_a_late_acknowledged_task_that_is_retried_leaves_nothing_behind(shared: Project) -> None:
    result = shared.send("retries_late")

    assert result.get(timeout=10) == 1
    assert attempts(shared, result.id) == [0, 1]


def test_a_retry_is_logged(shared: Project) -> None:
    result = shared.send("retries_until", 1)
    result.get(timeout=10)

    shared.workers[0].wait_log(rf"INFO.* Task tasks\.retries_until\[{result.id}\] retry: Retry in 0\.02s")


def test_while_it_waits_for_its_retry_the_state_says_so(project: Project) -> None:
    project.conf["task_annotations"] = {"tasks.retries_by_itself": {"default_retry_delay": 30, "retry_jitter": False}}
    project.worker("-c", "1")
    result = project.send("retries_by_itself")
    project.ledger.wait_for("begin", task_id=result.id)
    project.workers[0].wait_log("retry: Retry in 30s")

    fresh = project.client.AsyncResult(result.id)

    assert (fresh.state, fresh.ready()) == ("RETRY", False)
    assert isinstance(fresh.result, ConnectionError)
    assert project.depth() == 1


def test_an_attempt_that_raises_ignore_stores_nothing(shared: Project) -> None:
    result = shared.send("raises_ignore")
    shared.ledger.wait_for("end", task_id=result.id)
    shared.send("add", 1, 1).get(timeout=10)

    assert shared.client.AsyncResult(result.id).state == "PENDING"


def test_a_rejected_message_goes_to_the_dead_letters(shared: Project) -> None:
    result = shared.send("rejects", False)
    shared.ledger.wait_for("begin", task_id=result.id)
    shared.workers[0].wait_log(result.id + ".*reject")

    listed = shared.cli("-A", "tasks", "dead", "list")

    assert result.id in listed.stdout
    assert "not for me" in listed.stdout


def test_a_requeued_message_comes_again_marked_redelivered(shared: Project) -> None:
    result = shared.send("rejects", True)

    assert result.get(timeout=10) == "second time"
    assert len(shared.ledger.entries("begin", result.id)) == 2
