"""The stand: the whole life of a task in one thread, in time that a test moves."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from celeriac import Celeriac, chain, chord, current_app, group, signals
from celeriac.exceptions import ImproperlyConfigured, Reject
from celeriac.testing import Stand, assert_enqueued, refute_enqueued, testing


def test_nothing_runs_before_it_is_drained(t: Stand, tasks: Any) -> None:
    result = tasks.add.delay(1, 2)

    assert "PENDING" == result.state
    assert [("add", "SUCCESS", 3)] == [(run.task, run.state, run.value) for run in t.drain()]
    assert 3 == result.get()


def test_a_revoked_task_does_not_run(t: Stand, tasks: Any) -> None:
    result = tasks.add.apply_async((1,), countdown=60)
    result.revoke()
    t.advance(60, work=True)

    assert [] == tasks.seen
    assert "REVOKED" == result.state


def test_workflows_go_through_messages(t: Stand, tasks: Any) -> None:
    add, total = tasks.add, tasks.total

    assert 10 == chain(add.s(1, 2), add.s(3), add.s(4)).delay().get()
    assert [1, 2, 3] == group(add.s(n, 0) for n in (1, 2, 3)).delay().get()
    assert 6 == chord((add.s(n, 0) for n in (1, 2, 3)), total.s()).delay().get()
    t.assert_enqueued(total, args=([1, 2, 3],), times=1)


def test_a_workflow_whose_first_step_fails_is_not_waited_for(t: Stand, tasks: Any) -> None:
    with pytest.raises(ValueError, match="no"):
        chain(tasks.fails.si(), tasks.add.si(1)).delay().get()
    with pytest.raises(Exception, match="no"):
        chord([tasks.fails.si(), tasks.add.si(1)], tasks.total.s()).delay().get()


def test_arguments_are_serialized_as_in_life(t: Stand, app: Celeriac) -> None:
    got: list[Any] = []

    @app.task
    def take(value: Any) -> None:
        got.append(value)

    take.delay((1, {"a": datetime(2026, 1, 1, tzinfo=UTC)}))
    t.drain()

    assert [[1, {"a": datetime(2026, 1, 1, tzinfo=UTC)}]] == got
    with pytest.raises(Exception, match="json cannot write"):
        take.delay(object())


def test_late_acknowledgement_and_dead_letters(t: Stand, app: Celeriac) -> None:
    @app.task(acks_late=True)
    def refuses() -> None:
        raise Reject("not for me", requeue=False)

    refuses.delay()
    app.send_task("not.there")
    t.drain()

    assert [("not for me"), ("The task 'not.there' is not registered in this worker.")] == sorted(
        (letter.reason for letter in app.broker.dead()), reverse=True
    )


def test_errors_come_out_of_the_drain_when_asked_for(t: Stand, tasks: Any) -> None:
    result = tasks.fails.delay("boom")
    with pytest.raises(ValueError, match="boom"):
        t.drain(propagate=True)

    assert "FAILURE" == result.state
    tasks.fails.delay()
    assert ["FAILURE"] == [run.state for run in t.drain()]


def test_signals_and_handlers_run(t: Stand, tasks: Any) -> None:
    heard: list[str] = []

    def hear(signal: Any, **_: Any) -> None:
        heard.append(signal.name)

    told = (
        signals.before_task_publish, signals.after_task_publish, signals.task_received, signals.task_prerun, signals.task_success,
        signals.task_failure, signals.task_postrun,
    )  # fmt: skip
    for each in told:
        each.connect(hear, weak=False)
    try:
        tasks.add.delay(1)
        t.drain()
        tasks.fails.delay()
        t.drain()
    finally:
        for each in told:
            each.disconnect(hear)

    published = ["before_task_publish", "after_task_publish", "task_received", "task_prerun"]
    assert [*published, "task_success", "task_postrun", *published, "task_failure", "task_postrun"] == heard


def test_messages_run_in_the_order_in_which_they_were_sent(t: Stand, tasks: Any) -> None:
    for number in range(20):
        tasks.add.apply_async((number,), queue="mails")
    while t.run_next():
        pass

    assert list(range(20)) == tasks.seen
    assert t.run_next() is None


def test_only_chosen_queues_are_drained(t: Stand, tasks: Any) -> None:
    tasks.add.apply_async((1,), queue="mails")
    tasks.add.apply_async((2,))

    assert ["mails"] == [run.queue for run in t.drain(queues=["mails"])]
    assert [1] == tasks.seen


def test_what_was_sent_can_be_asserted(t: Stand, tasks: Any) -> None:
    tasks.add.apply_async((1, 2), queue="mails", countdown=30)
    tasks.add.delay(5, y=6)

    t.assert_enqueued(tasks.add, times=2)
    t.assert_enqueued("add", args=(1, 2), queue="mails", countdown=30, times=1)
    assert_enqueued(tasks.add, args=[5], kwargs={"y": ANY})
    assert_enqueued(tasks.add.s())
    t.refute_enqueued(tasks.add, args=(9,))
    refute_enqueued("other")
    with pytest.raises(AssertionError, match=r"Expected add with queue='sms' to be sent at least once, and it was sent 0 times(?s:.*)countdown=30"):
        t.assert_enqueued(tasks.add, queue="sms")
    with pytest.raises(AssertionError, match="not to be sent"):
        refute_enqueued(tasks.add, args=(1, 2))
    with pytest.raises(TypeError, match="A task, a signature or the name"):
        t.assert_enqueued(42)
    t.clear()
    assert [] == t.sent
    assert [] == t.drain(delayed=True)


def test_the_application_is_as_before_and_no_thread_is_left(app: Celeriac, tasks: Any) -> None:
    before = set(threading.enumerate())
    conf, aio, clock, current = app.conf, app.aio, app.time, current_app._get_current_object()
    for _ in range(2):
        with testing(app, task_default_queue="special", task_always_eager=True) as t:
            app.conf.result_expires = 5
            assert app is current_app._get_current_object()
            tasks.add.delay(1)
            asyncio.run(tasks.add.aapply_async((1,)))
            t.assert_enqueued(tasks.add, queue="special", times=2)
            t.drain()

    assert conf is app.conf
    assert (aio, clock) == (app.aio, app.time)
    assert 86_400 == app.conf.seconds("result_expires")
    assert "celery" == app.conf.task_default_queue
    assert "redis://nowhere.invalid" == app.broker_url
    assert current is current_app._get_current_object()
    assert before == set(threading.enumerate())
    with testing(app) as t:
        assert ([], []) == (t.sent, t.drain())


def test_modules_that_a_worker_would_import_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept_apart.py").write_text("from celeriac import shared_task\n\n\n@shared_task\ndef hello():\n    return 'hello'\n")
    monkeypatch.syspath_prepend(tmp_path)
    with Celeriac("included", include=["kept_apart"], set_as_current=False) as app, testing(app):
        assert "hello" == app.send_task("kept_apart.hello").get()


def test_misuse_is_told(t: Stand, app: Celeriac) -> None:
    with pytest.raises(ImproperlyConfigured, match="is being tested already"):
        testing(app).__enter__()
    with pytest.raises(TypeError, match="takes a Celeriac application"):
        testing("shop")
    with pytest.raises(ValueError, match="does not run backwards"):
        t.advance(-1)
    with pytest.raises(RuntimeError, match="with testing"):
        testing(Celeriac("other", set_as_current=False)).drain()


def test_without_a_result_store_there_are_no_results_here_either() -> None:
    with Celeriac("poor", broker="redis://nowhere.invalid", set_as_current=False) as app:

        @app.task
        def add(x: int) -> int:
            return x

        with testing(app) as t:
            result = add.delay(1)
            assert [1] == [run.value for run in t.drain()]
            with pytest.raises(ImproperlyConfigured, match="No result backend"):
                result.get()
        with testing(app, result_backend="memory://"):
            assert 1 == add.delay(1).get()


def test_a_task_may_wait_for_another_where_that_is_allowed(t: Stand, app: Celeriac, tasks: Any) -> None:
    @app.task
    def outer() -> int:
        return int(tasks.add.delay(1, 1).get(disable_sync_subtasks=False)) + 1

    @app.task
    def refused() -> int:
        return int(tasks.add.delay(1, 1).get())

    assert 3 == outer.delay().get()
    with pytest.raises(RuntimeError, match="within a task"):
        refused.delay().get()
