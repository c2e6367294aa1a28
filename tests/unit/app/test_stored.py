"""``app.backend``: what programs written for Celery ask of a result store."""

from __future__ import annotations

import pytest

from celeriac import Celeriac
from celeriac.results import AsyncResult, GroupResult


@pytest.fixture
def app(tmp_path) -> Celeriac:
    return Celeriac("stored", broker="memory://stored", backend=f"cache+memory://{tmp_path.name}", set_as_current=False)


def test_nothing_is_known_of_a_task_that_never_was(app: Celeriac) -> None:
    meta = app.backend.get_task_meta("never")

    assert ("PENDING", None) == (meta["status"], meta["result"])
    assert ("PENDING", None, None, []) == (
        app.backend.get_state("never"), app.backend.get_result("never"), app.backend.get_traceback("never"), app.backend.get_children("never"),
    )  # fmt: skip


def test_what_is_written_is_what_results_show(app: Celeriac) -> None:
    app.backend.store_result("one", {"a": 1}, "SUCCESS")
    app.backend.mark_as_done("two", 2)
    app.backend.mark_as_failure("three", ValueError("v"), traceback="Traceback ...")
    app.backend.mark_as_started("four", pid=7)
    app.backend.mark_as_retry("five", KeyError("k"))
    app.backend.mark_as_revoked("six", "terminated")

    results = [AsyncResult(name, app=app) for name in ("one", "two", "three", "four", "five", "six")]
    assert ["SUCCESS", "SUCCESS", "FAILURE", "STARTED", "RETRY", "REVOKED"] == [result.state for result in results]
    assert [{"a": 1}, 2] == [result.get() for result in results[:2]]
    assert ("ValueError('v')", "Traceback ...") == (repr(results[2].result), app.backend.get_traceback("three"))
    assert {"one", "two", "three", "six"} == {task_id for task_id, _ in app.backend.get_many(["one", "two", "three", "four", "five", "six", "x"])}


def test_it_is_forgotten(app: Celeriac) -> None:
    app.backend.mark_as_done("one", 1)
    app.backend.forget("one")

    assert "PENDING" == app.backend.get_state("one")


def test_groups_are_kept(app: Celeriac) -> None:
    app.backend.save_group("group", [AsyncResult("a", app=app), AsyncResult("b", app=app)])

    restored = app.backend.restore_group("group")
    assert isinstance(restored, GroupResult)
    assert ["a", "b"] == [result.id for result in restored]
    app.backend.delete_group("group")
    assert app.backend.restore_group("group") is None


def test_it_says_what_it_is_and_asks_the_driver_for_the_rest(app: Celeriac) -> None:
    assert app.backend.as_uri().startswith("cache+memory://")
    assert 86_400 == app.backend.expires
    assert {} == dict(app.backend.load(["x"]))
    with pytest.raises(AttributeError):
        _ = app.backend.nonsense


def test_a_meta_is_read_by_keys_as_celerys(app: Celeriac) -> None:
    app.backend.mark_as_done("one", 1)
    seen: list[dict[str, object]] = []

    app.AsyncResult("one").get(on_message=seen.append)

    assert ("one", "SUCCESS", 1, []) == tuple(seen[0][key] for key in ("task_id", "status", "result", "children"))
    meta = app.AsyncResult("one")._get_task_meta()
    assert {"status", "result", "traceback", "children", "date_done", "task_id"} == set(meta)
    assert b"celery-task-meta-one" == app.backend.get_key_for_task("one")
    assert ("SUCCESS", 1, "none") == (meta["status"], meta.get("result"), meta.get("nonsense", "none"))
