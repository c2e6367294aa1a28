from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from celeriac.app.arguments import header_of


def plain(x: int, y: int = 1) -> int:
    return x + y


def everything(a: int, /, b: int, c: int = 3, *more: int, d: int, e: int = 5, **others: int) -> None: ...


def positional_only(a: int, b: int = 2, /) -> None: ...


def keyword_only(*, a: int, b: int = 2) -> None: ...


def error_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    try:
        function(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return ""


UNPRINTABLE = object()

CALLS: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (plain, (), {}),
    (plain, (1, 2, 3), {}),
    (plain, (1,), {"z": 1}),
    (plain, (1,), {"x": 1}),
    (everything, (1,), {}),
    (everything, (1, 2), {"e": 1}),
    (everything, (1, 2), {"d": 1, "a": 1}),
    (everything, (1, 2, 3, 4, 5), {"d": 1, "z": 1}),
    (positional_only, (), {"a": 1}),
    (positional_only, (1, 2), {}),
    (keyword_only, (1,), {"a": 1}),
    (keyword_only, (), {"a": 1, "b": 3}),
    (keyword_only, (), {}),
]


@pytest.mark.parametrize(("function", "args", "kwargs"), CALLS)
def test_the_header_refuses_what_the_function_refuses_in_the_same_words(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    header = header_of(function)

    assert header is not None
    assert error_of(header, *args, **kwargs) == error_of(function, *args, **kwargs)


def test_defaults_are_not_evaluated_and_the_body_does_not_run() -> None:
    def dangerous(x: Any = UNPRINTABLE) -> None:
        raise AssertionError("ran")

    header = header_of(dangerous)

    assert header is not None
    assert header() is None


def test_a_wrapped_function_is_checked_by_the_function_inside() -> None:
    @functools.wraps(plain)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return plain(*args, **kwargs)

    header = header_of(wrapper)

    assert header is not None
    assert error_of(header) == "plain() missing 1 required positional argument: 'x'"


def test_a_callable_that_cannot_be_inspected_has_no_header() -> None:
    assert header_of(min) is None
