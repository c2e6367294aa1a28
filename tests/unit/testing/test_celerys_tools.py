"""What stands in for ``celery.contrib.testing``."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from celeriac import Celeriac, current_app, signature
from celeriac.testing.app import TestApp, Trap, let_go, set_trap, setup_default_app
from celeriac.testing.manager import Manager
from celeriac.testing.mocks import ContextMock, TaskMessage, TaskMessage1, task_message_from_sig
from celeriac.testing.worker import start_worker, test_worker_started, test_worker_starting, test_worker_stopped


@pytest.fixture
def app() -> Iterator[Celeriac]:
    made = TestApp("tests")

    @made.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    yield made
    let_go(made)


def test_a_worker_says_when_it_starts_and_stops_and_answers_a_ping(app: Celeriac) -> None:
    heard: list[tuple[str, Any]] = []

    def hear(signal: Any, sender: Any, **named: Any) -> None:
        heard.append((signal.name, named.get("worker")))

    for each in (test_worker_starting, test_worker_started, test_worker_stopped):
        each.connect(hear, sender=app, weak=False)
    with start_worker(app, perform_ping_check=True, ping_task_timeout=10.0, shutdown_timeout=10.0) as worker:
        worker.ensure_started()
        assert 3 == app.tasks["add"].delay(1, 2).get(timeout=10)

    assert [("test_worker_starting", None), ("test_worker_started", worker), ("test_worker_stopped", worker)] == heard


def test_each_test_application_has_stores_of_its_own(app: Celeriac) -> None:
    other = TestApp(config={"timezone": "Europe/Rome"}, broker="memory://mine")

    assert app.broker_url != other.broker_url == "memory://mine"
    assert "UTC" == app.conf.timezone
    assert "Europe/Rome" == other.conf.timezone
    assert "celery.ping" in app.tasks


def test_the_default_application_can_be_replaced_for_a_while(app: Celeriac) -> None:
    before = current_app._get_current_object()
    with setup_default_app(app):
        assert app is current_app._get_current_object()
    with setup_default_app(app, use_trap=True), pytest.raises(RuntimeError, match="is to be given its application"):
        _ = current_app.conf
    with set_trap(app):
        assert isinstance(current_app._get_current_object(), Trap)

    assert before is current_app._get_current_object()


@pytest.mark.parametrize(("make", "protocol"), [(TaskMessage, 2), (TaskMessage1, 1)])
def test_messages_are_those_that_go_to_brokers(make: Any, protocol: int) -> None:
    message = make("add", id="x", args=(1,), kwargs={"y": 2}, callbacks=[signature("after")])
    body = json.loads(message.body)

    assert "application/json" == message.content_type
    if protocol == 2:
        assert ("add", "x") == (message.headers["task"], message.headers["id"])
        assert [1] == body[0]
        assert "after" == body[2]["callbacks"][0]["task"]
    else:
        assert ("add", "x", [1], {"y": 2}) == (body["task"], body["id"], body["args"], body["kwargs"])


def test_a_message_is_made_of_a_signature(app: Celeriac) -> None:
    message = task_message_from_sig(app, app.tasks["add"].s(2, 2).set(task_id="known", link=signature("after")))

    assert ("add", "known") == (message.headers["task"], message.headers["id"])
    assert (2, 2) == message.payload[0]


def test_a_context_mock_gives_itself() -> None:
    mock = ContextMock()
    with mock as inner:
        inner.call()

    mock.call.assert_called_once_with()


def test_a_manager_waits_for_results_and_conditions(app: Celeriac) -> None:
    output = io.StringIO()
    manager = Manager(app, block_timeout=20.0, stdout=output, stderr=output)
    tries: list[int] = []

    def third_time() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise KeyError("not yet")
        return "there"

    with start_worker(app):
        results = [app.tasks["add"].delay(n, n) for n in range(3)]
        assert [0, 2, 4] == manager.join(results)
        manager.assert_result_tasks_in_progress_or_completed(results)
        assert [] == manager.missing_results(results)
    pauses = {"interval_start": 0.0, "interval_step": 0.0}
    assert "there" == manager.wait_for(third_time, KeyError, "the third time", emit_warning=True, **pauses)  # type: ignore[arg-type]
    assert 2 == output.getvalue().count("Waiting for the third time")
    with pytest.raises(AssertionError, match="was not to happen"):
        manager.ensure_not_for_a_while(third_time, KeyError)
    manager.ensure_not_for_a_while(lambda: {}["x"], KeyError, max_retries=2, **pauses)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="were not ready in time"):
        Manager(app, block_timeout=0.05, stdout=output).join(app.tasks["add"].delay(1, 1), max_retries=1)
