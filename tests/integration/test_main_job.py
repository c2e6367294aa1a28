"""Start a worker, call tasks, get results: under every executor."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from celeriac import exceptions
from tests.harness.fixtures import Project


@pytest.fixture(scope="module", params=["prefork", "solo"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp(request.param))
    project.worker("-P", request.param, "-c", "2" if request.param == "prefork" else "1")
    yield project
    project.close()


def test_a_result_comes_back(shared: Project) -> None:
    result = shared.send("add", 4, 4)

    assert result.get(timeout=10) == 8
    assert (result.state, result.ready(), result.successful(), result.failed()) == ("SUCCESS", True, True, False)


def test_a_forgotten_result_is_pending_again(shared: Project) -> None:
    result = shared.send("add", 1, 1)
    result.get(timeout=10)

    result.forget()

    assert shared.client.AsyncResult(result.id).state == "PENDING"


def test_the_id_is_the_callers(shared: Project) -> None:
    result = shared.send("request_fields", "id", "root_id", task_id="my-own-id")

    assert result.get(timeout=10) == {"id": "my-own-id", "root_id": "my-own-id"}


def test_the_request_tells_about_the_call(shared: Project) -> None:
    result = shared.send(
        "request_fields", "task", "retries", "is_eager", "called_directly", "correlation_id", "custom", "timelimit", "args", "kwargs",
        headers={"custom": "value"}, time_limit=20, soft_time_limit=10,
    )

    fields = result.get(timeout=10)

    assert fields.pop("args")[:2] == ["task", "retries"]
    assert fields == {
        "task": "tasks.request_fields", "retries": 0, "is_eager": False, "called_directly": False, "correlation_id": result.id, "custom": "value",
        "timelimit": [20, 10], "kwargs": {},
    }


def test_the_delivery_info_names_the_queue(shared: Project) -> None:
    info = shared.send("request_fields", "delivery_info", "hostname").get(timeout=10)

    assert info["delivery_info"]["routing_key"] == "celery"
    assert info["delivery_info"]["redelivered"] is False
    assert info["hostname"].startswith("w1@")


def test_a_failure_is_raised_where_the_result_is_awaited(shared: Project) -> None:
    result = shared.send("fails", "no good")

    with pytest.raises(ValueError, match="no good"):
        result.get(timeout=10)

    assert result.state == "FAILURE"
    assert isinstance(result.result, ValueError)
    assert 'raise ValueError(text)' in result.traceback
    assert isinstance(result.get(timeout=10, propagate=False), ValueError)


def test_an_ignored_result_is_not_stored(shared: Project) -> None:
    result = shared.send("ignored")
    shared.ledger.wait_for("end", task_id=result.id)
    shared.send("add", 1, 1).get(timeout=10)

    assert shared.client.AsyncResult(result.id).state == "PENDING"


def test_ignoring_the_result_may_be_asked_by_the_call(shared: Project) -> None:
    result = shared.send("early", ignore_result=True)
    shared.ledger.wait_for("end", task_id=result.id)
    shared.send("add", 1, 1).get(timeout=10)

    assert shared.client.AsyncResult(result.id).state == "PENDING"


def test_a_coroutine_function_is_a_task(shared: Project) -> None:
    assert shared.send("asynchronous", 0.01, [1, 2]).get(timeout=10) == [1, 2]


def test_waiting_for_a_result_times_out(shared: Project) -> None:
    with pytest.raises(exceptions.TimeoutError):
        shared.client.AsyncResult("nobody-sent-this").get(timeout=0.05)


def test_a_task_that_waits_for_another_is_refused(shared: Project) -> None:
    assert shared.send("waits_inside").get(timeout=10).startswith("refused: Never call result.get() within a task")


def test_a_task_may_call_another(shared: Project) -> None:
    parent = shared.send("calls_another")
    child_id = parent.get(timeout=10)

    assert shared.client.AsyncResult(child_id).get(timeout=10) == 2
    assert [child.id for child in parent.children] == [child_id]


def test_the_log_lines_are_the_ones_that_users_grep_for(shared: Project) -> None:
    worker = shared.workers[0]
    good, bad = shared.send("add", 20, 22), shared.send("fails", "logged")
    expected = shared.send("fails_as_expected")
    shared.states([good, bad, expected])

    worker.wait_log(rf"INFO.* Task tasks\.add\[{good.id}\] received")
    worker.wait_log(rf"INFO.* Task tasks\.add\[{good.id}\] succeeded in [\d.e-]+s: 42$")
    worker.wait_log(rf"ERROR.* Task tasks\.fails\[{bad.id}\] raised unexpected: ValueError\('logged'\)$")
    worker.wait_log(r"^Traceback \(most recent call last\):$")
    worker.wait_log(rf"INFO.* Task tasks\.fails_as_expected\[{expected.id}\] raised expected: KeyError\('expected'\)$")


def test_the_traceback_shows_the_users_code_only(shared: Project) -> None:
    result = shared.send("fails")
    result.get(timeout=10, propagate=False)

    assert [re.sub(r".*/", "", name) for name in re.findall(r'File "([^"]+)"', result.traceback)] == ["tasks.py"]
