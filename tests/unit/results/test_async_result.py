from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from celeriac import AsyncResult, Celeriac, GroupResult, allow_join_result, exceptions
from celeriac.exceptions import IncompleteStream
from celeriac.model.plan import ResultNode
from celeriac.results import denied_join_result, result_from_tuple

Store = Callable[..., None]


def test_an_unknown_task_is_pending(app: Celeriac) -> None:
    result = app.AsyncResult("nothing")

    assert (result.state, result.result, result.ready(), result.exists()) == ("PENDING", None, False, False)


def test_a_success_shows_what_was_stored(app: Celeriac, store: Store) -> None:
    store("a", "SUCCESS", {"x": 1}, date_done="2026-01-02T03:04:05+00:00", children=[])
    result = app.AsyncResult("a")

    assert (result.state, result.status, result.get(), result.result, result.info) == ("SUCCESS", "SUCCESS", *[{"x": 1}] * 3)
    assert (result.ready(), result.successful(), result.failed(), result.exists()) == (True, True, False, True)
    assert (result.date_done, result.children) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), [])


def test_a_failure_is_raised_with_its_class(app: Celeriac, store: Store) -> None:
    store("a", "FAILURE", KeyError("k"), traceback="tb")
    result = app.AsyncResult("a")

    with pytest.raises(KeyError, match="k"):
        result.get()
    assert (type(result.get(propagate=False)), result.traceback, result.failed()) == (KeyError, "tb", True)


def test_other_states_are_asked_for_again(app: Celeriac, store: Store) -> None:
    result = app.AsyncResult("a")
    store("a", "PROGRESS", {"done": 1})
    assert (result.state, result.info) == ("PROGRESS", {"done": 1})
    store("a", "RETRY", ValueError("again"))
    assert (result.state, str(result.result)) == ("RETRY", "again")


def test_get_waits_until_the_result_arrives(app: Celeriac, store: Store) -> None:
    threading.Timer(0.05, store, ("a", "SUCCESS", 5)).start()

    assert app.AsyncResult("a").get(timeout=5) == 5


def test_a_timeout_says_which_task(app: Celeriac) -> None:
    begun = time.monotonic()

    with pytest.raises(exceptions.TimeoutError, match=r"Task a was not ready within 0\.05 seconds"):
        app.AsyncResult("a").get(timeout=0.05)
    assert time.monotonic() - begun < 1


def test_on_interval_is_called_while_waiting(app: Celeriac, store: Store) -> None:
    calls: list[int] = []

    def tick() -> None:
        calls.append(1)
        if len(calls) == 3:
            store("a", "SUCCESS", 1)

    assert app.AsyncResult("a").get(timeout=5, interval=0.01, on_interval=tick) == 1
    assert len(calls) == 3


def test_the_callback_gets_id_and_value(app: Celeriac, store: Store) -> None:
    store("a", "SUCCESS", 1)
    seen: list[Any] = []
    app.AsyncResult("a").get(callback=lambda id, value: seen.append((id, value)))

    assert seen == [("a", 1)]


def test_a_parent_that_failed_is_raised_at_the_child(app: Celeriac, store: Store) -> None:
    parent = app.AsyncResult("p")
    child = app.AsyncResult("c", parent=parent)
    threading.Timer(0.05, store, ("p", "FAILURE", ValueError("upstream"))).start()

    with pytest.raises(ValueError, match="upstream"):
        child.get(timeout=5)


def test_then_is_called_once_it_is_known(app: Celeriac, store: Store) -> None:
    seen: list[str] = []
    result = app.AsyncResult("a").then(lambda r: seen.append(r.id))
    assert seen == []
    store("a")
    result.get(timeout=1)
    result.get(timeout=1)

    assert seen == ["a"]


def test_a_forgotten_result_is_unknown_again(app: Celeriac, store: Store) -> None:
    store("p")
    store("a")
    result = app.AsyncResult("a", parent=app.AsyncResult("p"))
    result.get()
    result.forget()

    assert (result.state, result.parent.state) == ("PENDING", "PENDING")


def test_an_ignored_result_is_none_at_once(app: Celeriac) -> None:
    result = app.AsyncResult("a")
    result.ignored = True

    assert (result.get(timeout=0), result.state) == (None, "IGNORED")


def test_extended_fields_are_shown(app: Celeriac, store: Store) -> None:
    app.conf.result_extended = True
    store("a", "SUCCESS", 1, extended={"name": "t", "args": [1], "kwargs": {}, "worker": "w", "retries": 2, "queue": "q"})
    result = app.AsyncResult("a")

    assert (result.name, result.args, result.kwargs, result.worker, result.retries, result.queue) == ("t", [1], {}, "w", 2, "q")


def test_waiting_is_refused_where_it_could_deadlock(app: Celeriac, store: Store) -> None:
    store("a")
    result = app.AsyncResult("a")
    with denied_join_result():
        with pytest.raises(RuntimeError, match=r"Never call result\.get\(\) within a task"):
            result.get()
        with allow_join_result():
            result.get()
        result.get(disable_sync_subtasks=False)


def test_results_are_equal_by_id_and_survive_copy_and_pickle(app: Celeriac) -> None:
    result = app.AsyncResult("a", parent=app.AsyncResult("p"))
    same = pickle.loads(pickle.dumps(result))

    assert (same, copy.copy(result), hash(same), str(same)) == (result, result, hash("a"), "a")
    assert (same.parent.id, result == "a", result == app.AsyncResult("b")) == ("p", True, False)
    assert repr(result) == "<AsyncResult: a>"


def test_tuples_and_nodes_become_results_and_back(app: Celeriac) -> None:
    tree = (("c", (("p", None), None)), None)
    result = result_from_tuple(tree, app)
    group = result_from_tuple([["g", None], [[["a", None], None], [["b", None], None]]], app)
    node = result_from_tuple(ResultNode("c", parent=ResultNode("p")), app)

    assert (result.as_tuple(), node.as_tuple(), result.as_list()) == (tree, tree, ["c", "p"])
    assert isinstance(group, GroupResult)
    assert [part.id for part in group] == ["a", "b"]
    with pytest.raises(ValueError, match="Not a result tuple"):
        result_from_tuple(5)


def test_children_are_collected_in_breadth(app: Celeriac, store: Store) -> None:
    store("leaf", "SUCCESS", 3, children=[])
    store("a", "SUCCESS", 1, children=[(("b", None), None)])
    store("b", "SUCCESS", 2, children=[(("leaf", None), None)])
    root = app.AsyncResult("a")

    assert [(node.id, value) for node, value in root.collect()] == [("a", 1), ("b", 2), ("leaf", 3)]
    assert root.get_leaf() == 3
    store("c", "SUCCESS", 1, children=[(("nothing", None), None)])
    with pytest.raises(IncompleteStream):
        list(app.AsyncResult("c").iterdeps())


def test_many_threads_wait_on_one_watch(app: Celeriac, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = app.result_backend
    opened: list[Any] = []
    watch = backend.watch
    monkeypatch.setattr(type(backend), "watch", lambda self, ids: opened.append(ids) or watch(ids))
    values: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda i=i: values.update({i: app.AsyncResult(f"t{i}").get(timeout=10)})) for i in range(20)]
    for thread in threads:
        thread.start()
    for i in reversed(range(20)):
        store(f"t{i}", "SUCCESS", i)
    for thread in threads:
        thread.join(10)

    assert values == {i: i for i in range(20)}
    assert len(opened) == 1


def test_an_id_is_needed() -> None:
    with pytest.raises(ValueError, match="requires a task id"):
        AsyncResult(None)  # type: ignore[arg-type]


def test_revoking_is_told_to_all_workers(app: Celeriac) -> None:
    broker: Any = app.broker
    listener = broker.listen("celery.pidbox")
    app.AsyncResult("a").revoke(terminate=True)

    ((_, envelope),) = listener.receive(1)
    assert b'"revoke"' in envelope.body
    assert b'"task_id":"a"' in envelope.body.replace(b": ", b":")


def test_remote_tracebacks_are_shown_when_the_settings_say_so(app: Celeriac, store: Store) -> None:
    pytest.importorskip("tblib")
    text = 'Traceback (most recent call last):\n  File "/far/away.py", line 7, in remote_function\n    boom()\nValueError: x\n'
    app.conf.task_remote_tracebacks = True
    store("a", "FAILURE", ValueError("x"), traceback=text)

    with pytest.raises(ValueError, match="x") as caught:
        app.AsyncResult("a").get()
    assert "remote_function" in [frame.name for frame in caught.traceback]
