"""What can be seen of a task while it runs, the order of its handlers, and what follows from it."""

from __future__ import annotations

import pytest

from tests.harness.project import Project


def test_a_tracked_task_is_seen_started(shared: Project) -> None:
    result = shared.send("tracked", 0.5)
    begun = shared.ledger.wait_for("begin", task_id=result.id)[0]

    assert result.state == "STARTED"
    assert result.info["pid"] == begun.pid
    assert result.info["hostname"].startswith("w1@")
    assert result.get(timeout=10) == "done"


def test_an_untracked_task_is_pending_while_it_runs(shared: Project) -> None:
    result = shared.send("early", 0.3)
    shared.ledger.wait_for("begin", task_id=result.id)

    assert result.state == "PENDING"
    result.get(timeout=10)


def test_a_state_of_the_tasks_own_is_seen_at_once(shared: Project) -> None:
    signal_file = shared.folder / "go_on"
    result = shared.send("reports_progress", str(signal_file))
    shared.ledger.wait_for("begin", task_id=result.id)

    assert (result.state, result.info) == ("PROGRESS", {"done": 3, "of": 7})
    signal_file.touch()
    assert result.get(timeout=10) == "done"


def handlers(project: Project, task_id: str) -> list[str]:
    project.ledger.wait_for("handler", task_id=task_id)
    project.send("add", 0, 0).get(timeout=10)
    return [entry.note for entry in project.ledger.entries("handler", task_id)]


@pytest.mark.parametrize(
    ("how", "order"),
    [
        ("succeed", ["before_start", "run", "on_success", "after_return SUCCESS"]),
        ("fail", ["before_start", "run", "on_failure ValueError", "after_return FAILURE"]),
        (
            "retry",
            ["before_start", "run", "on_retry ValueError", "before_start", "run", "on_success", "after_return SUCCESS"],
        ),
    ],
)
def test_handlers_are_called_in_order(shared: Project, how: str, order: list[str]) -> None:
    result = shared.send("handled", how)
    result.get(timeout=10, propagate=False)
    last = order[-1]
    shared.ledger.wait_for("handler", len(order), task_id=result.id)

    # a retried attempt and the next one may overlap between two processes: compare per process order then
    seen = handlers(shared, result.id)
    assert sorted(order) == sorted(seen) if how == "retry" else order == seen
    assert last in seen


@pytest.mark.parametrize("how", ["kill", "outlast"])
def test_the_failure_handler_is_called_for_a_task_whose_process_died(shared: Project, how: str) -> None:
    result = shared.send("handled_death", how)
    result.get(timeout=10, propagate=False)
    name = "WorkerLostError" if how == "kill" else "TimeLimitExceeded"

    shared.ledger.wait_for("handler", 4, task_id=result.id)

    assert handlers(shared, result.id) == ["before_start", "run", f"on_failure {name}", "after_return FAILURE"]


def signature(project: Project, name: str, *args: object, immutable: bool = False) -> object:
    return project.client.signature(f"tasks.{name}", args=args, immutable=immutable)


def test_a_chain_hands_each_result_on(shared: Project) -> None:
    workflow = signature(shared, "add", 1, 2) | signature(shared, "add", 10) | signature(shared, "add", 100)

    result = workflow.apply_async()

    assert result.get(timeout=10) == 113
    assert (result.parent.get(timeout=1), result.parent.parent.get(timeout=1)) == (13, 3)


def test_a_chain_stops_at_a_failure(shared: Project) -> None:
    workflow = signature(shared, "fails") | signature(shared, "early", 0, immutable=True)

    result = workflow.apply_async()

    assert result.parent.get(timeout=10, propagate=False).args == ("broken",)
    shared.send("add", 0, 0).get(timeout=10)
    assert shared.ledger.entries("begin", result.id) == []


def test_a_callback_gets_the_result(shared: Project) -> None:
    result = shared.send("add", 20, 1, link=signature(shared, "note_result"))
    result.get(timeout=10)

    called = [entry.note for entry in shared.ledger.wait_for("callback")]

    assert 21 in called


def test_an_errback_gets_request_error_and_traceback(shared: Project) -> None:
    result = shared.send("fails", "for the errback", link_error=signature(shared, "note_failure"))
    result.get(timeout=10, propagate=False)

    noted = shared.ledger.wait_for("errback", task_id=result.id)

    assert [entry.note for entry in noted] == [["ValueError", "for the errback"]]
