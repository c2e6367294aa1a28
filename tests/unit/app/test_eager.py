from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from celeriac import Celeriac, EagerResult, Task, chain
from celeriac.exceptions import AlwaysEagerIgnored, Ignore, MaxRetriesExceededError


def test_apply_runs_here_and_passes_arguments_as_they_are(app: Celeriac) -> None:
    @app.task(bind=True)
    def look(self: Task, value: Any) -> tuple[int, bool, bool]:
        return id(value), self.request.is_eager, self.request.called_directly

    value = object()
    result = look.apply((value,))

    assert isinstance(result, EagerResult)
    assert (result.get(), result.state, result.ready()) == ((id(value), True, False), "SUCCESS", True)


def test_an_error_is_kept_or_raised_as_asked(app: Celeriac) -> None:
    @app.task
    def fail() -> None:
        raise ValueError("no")

    result = fail.apply()

    assert (result.state, str(result.result), result.failed()) == ("FAILURE", "no", True)
    assert "ValueError: no" in str(result.traceback)
    with pytest.raises(ValueError, match="no"):
        result.get()
    with pytest.raises(ValueError, match="no"):
        fail.apply(throw=True)
    app.conf.task_eager_propagates = True
    with pytest.raises(ValueError, match="no"):
        fail.apply()


def test_retries_run_at_once(app: Celeriac) -> None:
    @app.task(bind=True, max_retries=3)
    def third(self: Task) -> int:
        if self.request.retries < 2:
            raise self.retry(countdown=3600)
        return int(self.request.retries)

    @app.task(bind=True, max_retries=1)
    def never(self: Task) -> None:
        raise self.retry()

    assert third.apply().get() == 2
    assert third.apply(retries=1).get() == 2
    with pytest.raises(MaxRetriesExceededError):
        never.apply().get()


def test_retry_outside_of_a_worker_raises_the_error(app: Celeriac) -> None:
    @app.task(bind=True)
    def again(self: Task) -> None:
        raise self.retry(exc=KeyError("x"))

    with pytest.raises(KeyError):
        again()


def test_every_call_runs_here_when_the_settings_say_so(app: Celeriac) -> None:
    app.conf.task_always_eager = True

    @app.task
    def kind(value: Any) -> str:
        return type(value).__name__

    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    assert kind.delay((1, 2)).get() == "list"
    assert kind.delay(date(2026, 1, 1)).get() in ("date", "datetime")
    assert chain(add.s(1, 2), add.s(3)).apply_async().get() == 6
    assert app.broker.depth("celery") == 0


def test_callbacks_run_here_too(app: Celeriac) -> None:
    seen: list[int] = []

    @app.task
    def note(value: int) -> None:
        seen.append(value)

    @app.task
    def one() -> int:
        return 1

    one.apply(link=note.s())

    assert seen == [1]


def test_send_task_is_never_eager_and_says_so(app: Celeriac) -> None:
    app.conf.task_always_eager = True

    with pytest.warns(AlwaysEagerIgnored):
        app.send_task("elsewhere")

    assert app.broker.depth("celery") == 1


def test_eager_results_are_stored_on_request(app: Celeriac) -> None:
    @app.task(store_eager_result=True, bind=True)
    def stored(self: Task) -> int:
        self.update_state(state="PROGRESS", meta={"done": 1})
        return 7

    result = stored.apply()

    assert app.AsyncResult(result.id).get(timeout=1) == 7


def test_a_coroutine_function_runs_to_its_end(app: Celeriac) -> None:
    @app.task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return x * 2

    assert double.apply((4,)).get() == 8


def test_a_task_that_wants_to_be_ignored_has_no_result(app: Celeriac) -> None:
    @app.task
    def ignored() -> None:
        raise Ignore

    assert (ignored.apply().state, ignored.apply().get()) == ("IGNORED", None)


def test_models_are_validated_and_returned_as_plain_values(app: Celeriac) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Point(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        x: int
        y: int

    def swap(point: Point) -> Point:
        return Point(x=point.y, y=point.x)

    swap.__annotations__ = {"point": Point, "return": Point}
    task = app.task(pydantic=True)(swap)

    assert task.apply(({"x": 1, "y": 2},)).get() == {"x": 2, "y": 1}
    assert task.apply(({"x": "no"},)).state == "FAILURE"


def test_an_eager_task_is_tried_again_as_often_as_it_asks_and_no_more() -> None:
    app = Celeriac("eager", broker="memory://eager-retries", set_as_current=False)
    tries: list[int] = []

    @app.task(bind=True, max_retries=3)
    def flaky(self: Any) -> int:
        tries.append(self.request.retries)
        if self.request.retries < 2:
            raise self.retry(countdown=0, exc=KeyError("again"))
        return int(self.request.retries)

    @app.task(bind=True, autoretry_for=(KeyError,), max_retries=2, retry_backoff=False)
    def failing(self: Any) -> None:
        tries.append(self.request.retries)
        raise KeyError("always")

    assert ("SUCCESS", 2) == (flaky.apply().state, flaky.apply().result)
    assert [0, 1, 2, 0, 1, 2] == tries
    tries.clear()
    assert "FAILURE" == failing.apply().state
    assert [0, 1, 2] == tries
