"""Workflows on a real worker with its task processes, on one SQLite file."""

from __future__ import annotations

from typing import Any

import pytest

from celeriac import chord, chunks, group
from celeriac.lib.ids import uuid
from celeriac.model.errors import ChordError
from tests.harness.project import Project


def call(project: Project, name: str, *args: Any, **options: Any) -> Any:
    return project.client.signature(f"tasks.{name}", args=args, **options)


def test_a_group_returns_its_results_in_order(shared: Project) -> None:
    result = group([call(shared, "add", n, n) for n in range(50)], app=shared.client).apply_async()

    assert result.get(timeout=20) == [2 * n for n in range(50)]
    assert result.progress() == (50, 0, 50)


def test_a_saved_group_is_restored_and_shown_as_a_tree(shared: Project) -> None:
    result = group([call(shared, "add", 1, 1), call(shared, "add", 2, 2)], app=shared.client).apply_async()
    result.get(timeout=20)
    result.save()

    restored = shared.client.GroupResult.restore(result.id)
    shown = shared.cli("-A", "tasks", "result", result.id, "--tree")

    assert restored.get(timeout=5) == [2, 4]
    assert (shown.returncode, shown.stdout.count("SUCCESS"), "2 of 2 done" in shown.stdout) == (0, 2, True)


def test_a_chord_in_a_chain_hands_the_list_on(shared: Project) -> None:
    header = group([call(shared, "add", n) for n in range(20)], app=shared.client)
    workflow = call(shared, "add", 1, 1) | header | shared.client.signature("celery.accumulate", kwargs={"index": 0})

    assert workflow.apply_async().get(timeout=20) == [2 + n for n in range(20)]


def test_a_chord_of_a_thousand_is_finished_once(shared: Project) -> None:
    header = [call(shared, "add", n, 0) for n in range(1_000)]
    result = chord(header, shared.client.signature("celery.accumulate", kwargs={"index": 0}), app=shared.client)()

    assert result.get(timeout=60) == list(range(1_000))


def test_a_failed_part_fails_the_body_and_calls_its_errback_once(shared: Project) -> None:
    body = call(shared, "note_result").on_error(call(shared, "note_failure"))
    result = chord([call(shared, "add", 1, 1), call(shared, "fails", "part"), call(shared, "fails", "other")], body, app=shared.client)()

    with pytest.raises(ChordError, match=r"Dependency .* raised ValueError"):
        result.get(timeout=20)
    noted = shared.ledger.wait_for("errback", task_id=result.id)
    shared.send("add", 0, 0).get(timeout=10)
    assert [entry.note[0] for entry in noted] == ["ChordError"]
    assert len(shared.ledger.entries("errback", result.id)) == 1


def test_an_expired_part_does_not_hang_its_chord(shared: Project) -> None:
    header = [call(shared, "add", 1, 1), call(shared, "add", 2, 2).set(expires=-1)]
    result = chord(header, call(shared, "note_result"), app=shared.client)()

    with pytest.raises(ChordError, match="expired"):
        result.get(timeout=20)


def test_a_revoked_part_does_not_hang_its_chord(shared: Project) -> None:
    later = call(shared, "add", 2, 2).set(countdown=1, task_id=uuid())
    result = chord([call(shared, "add", 1, 1), later], call(shared, "note_result"), app=shared.client)()

    shared.client.control.revoke(later.id)

    with pytest.raises(ChordError, match="revoked"):
        result.get(timeout=20)


def test_a_part_whose_process_dies_does_not_hang_its_chord(shared: Project) -> None:
    result = chord([call(shared, "add", 1, 1), call(shared, "handled_death", "kill")], call(shared, "note_result"), app=shared.client)()

    with pytest.raises(ChordError, match="WorkerLostError"):
        result.get(timeout=30)


def test_header_results_that_are_not_stored_reach_the_body(shared: Project) -> None:
    header = [call(shared, "add", n, 0).set(ignore_result=True) for n in range(3)]
    result = chord(header, shared.client.signature("celery.accumulate", kwargs={"index": 0}), app=shared.client)()

    assert result.get(timeout=20) == [0, 1, 2]
    assert [part.state for part in result.parent] == ["IGNORED"] * 3


def test_chunks_run_in_pieces(shared: Project) -> None:
    pieces = chunks(call(shared, "add"), [(n, n) for n in range(5)], 2, app=shared.client)

    assert pieces.apply_async().get(timeout=20) == [[0, 2], [4, 6], [8]]
