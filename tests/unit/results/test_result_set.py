from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from celeriac import Celeriac, EagerResult, GroupResult, ResultSet, exceptions

Store = Callable[..., None]


def results(app: Celeriac, *ids: str) -> list[Any]:
    return [app.AsyncResult(id) for id in ids]


def test_results_come_in_order(app: Celeriac, store: Store) -> None:
    found = app.ResultSet(results(app, "a", "b", "c"))
    for place, id in enumerate("cab"):
        threading.Timer(0.01 * place, store, (id, "SUCCESS", id.upper())).start()

    assert found.get(timeout=5) == ["A", "B", "C"]
    assert (found.join(), found.join_native(), found.completed_count(), found.successful()) == (["A", "B", "C"], ["A", "B", "C"], 3, True)


def test_a_failure_is_raised_without_waiting_for_the_rest(app: Celeriac, store: Store) -> None:
    store("b", "FAILURE", ValueError("b failed"))
    store("a", "SUCCESS", 1)
    found = app.ResultSet(results(app, "a", "b"))

    with pytest.raises(ValueError, match="b failed"):
        found.get(timeout=5)
    assert (found.failed(), found.get(propagate=False)[0]) == (True, 1)


def test_a_timeout_says_how_many_are_missing(app: Celeriac, store: Store) -> None:
    store("a")

    with pytest.raises(exceptions.TimeoutError, match="1 of 2 tasks were not ready in time, among them b"):
        app.ResultSet(results(app, "a", "b")).get(timeout=0.05)


def test_iter_native_yields_as_tasks_end(app: Celeriac, store: Store) -> None:
    found = app.ResultSet(results(app, "a", "b"))
    store("b", "SUCCESS", 2)
    arrivals = found.iter_native(timeout=5)

    id, meta = next(arrivals)
    store("a", "SUCCESS", 1)

    assert (id, meta["status"], meta["result"]) == ("b", "SUCCESS", 2)
    assert next(arrivals)[0] == "a"


def test_sets_are_changed_like_sets(app: Celeriac) -> None:
    a, b = results(app, "a", "b")
    found = ResultSet([a])
    found.add(a)
    found.update([b])
    found.discard("nothing")

    assert [result.id for result in found] == ["a", "b"]
    found.remove("a")
    with pytest.raises(KeyError):
        found.remove("a")
    assert (len(found), found[0]) == (1, b)
    found.clear()
    assert len(found) == 0


def test_a_callback_gets_every_value(app: Celeriac, store: Store) -> None:
    store("a", "SUCCESS", 1)
    seen: list[Any] = []
    app.ResultSet(results(app, "a")).get(callback=lambda id, value: seen.append((id, value)))

    assert seen == [("a", 1)]


def test_groups_are_saved_restored_and_deleted(app: Celeriac) -> None:
    group = GroupResult("g", results(app, "a", "b"), parent=app.AsyncResult("p"), app=app)
    group.save()

    assert (GroupResult.restore("g", app=app), app.GroupResult.restore("g").parent.id) == (group, "p")
    group.delete()
    assert GroupResult.restore("g", app=app) is None


def test_a_group_is_a_tuple_of_its_parts(app: Celeriac) -> None:
    group = GroupResult("g", results(app, "a", "b"))

    assert group.as_tuple() == (("g", None), [(("a", None), None), (("b", None), None)])
    assert (group.as_list(), bool(group), str(group), group.children == group.results) == (["g", "a", "b"], True, "g", True)


def test_eager_results_join_too(app: Celeriac) -> None:
    assert ResultSet([EagerResult("a", 1, "SUCCESS"), EagerResult("b", 2, "SUCCESS")]).get() == [1, 2]


def test_a_set_can_be_awaited(app: Celeriac, store: Store) -> None:
    store("a", "SUCCESS", 1)
    store("b", "SUCCESS", 2)

    async def main() -> Any:
        return await app.ResultSet(results(app, "a", "b"))

    assert asyncio.run(main()) == [1, 2]


def test_an_empty_set_is_ready(app: Celeriac) -> None:
    empty = app.ResultSet([])

    assert (empty.get(), empty.ready(), empty.successful()) == ([], True, True)
