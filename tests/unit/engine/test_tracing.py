"""A tracer that a package has put around attempts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.engine import tracing

app = Celeriac("traced", broker_url="memory://", set_as_current=False)


@app.task(name="add")
def add(x: int, y: int) -> int:
    return x + y


@app.task(name="divide")
def divide(x: int, y: int) -> float:
    return x / y


def replaced(monkeypatch: pytest.MonkeyPatch, wrap: Any) -> None:
    """Let a package wrap what ``build_tracer`` returns."""
    module = SimpleNamespace(build_tracer=lambda name, task, **options: wrap(tracing.build_tracer(name, task, **options)))
    monkeypatch.setattr(tracing, "home", module)


def test_it_is_given_id_arguments_and_request_and_is_built_once_for_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    built: list[Any] = []

    def wrap(tracer: Any) -> Any:
        built.append(tracer)
        return lambda *given: (seen.append(given), tracer(*given))

    replaced(monkeypatch, wrap)

    assert [3, 7] == [add.apply((1, 2), task_id="a").get(), add.apply((3,), {"y": 4}, task_id="b").get()]
    assert [("a", (1, 2), {}), ("b", (3,), {"y": 4})] == [(uuid, tuple(args), kwargs) for uuid, args, kwargs, _ in seen]
    assert ["a", "b"] == [request["id"] for *_, request in seen]
    assert 1 == len(built)


@pytest.mark.parametrize("when", ["before", "after", "twice", "never"])
def test_what_goes_wrong_in_it_does_not_cost_the_task(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    calls: list[int] = []
    monkeypatch.setattr(add, "run", lambda x, y: calls.append(1) or x + y)

    def wrap(tracer: Any) -> Any:
        def wrapped(*given: Any) -> None:
            if when == "before":
                raise ValueError(when)
            if when != "never":
                tracer(*given)
            if when == "twice":
                tracer(*given)
            if when == "after":
                raise ValueError(when)

        return wrapped

    replaced(monkeypatch, wrap)

    assert 3 == add.apply((1, 2)).get()
    assert [1] == calls


def test_a_task_that_fails_in_it_fails_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, lambda tracer: tracer)

    assert "FAILURE" == divide.apply((1, 0)).state


def test_nobody_but_a_worker_can_call_it() -> None:
    with pytest.raises(RuntimeError, match=r"task\.apply"):
        tracing.build_tracer("add", add)("id", (1, 2), {})


def test_a_task_whose_class_defines_a_method_itself_has_it_custom() -> None:
    class Custom(app.Task):  # type: ignore[name-defined, misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return super().__call__(*args, **kwargs)

    assert tracing.task_has_custom(app.task(lambda: None, base=Custom, name="custom"), "__call__")
    assert not tracing.task_has_custom(add, "__call__")
