"""Tasks of no application in particular: reusable packages declare them, and every application has its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from celeriac.app import state
from celeriac.app.decorator import BoundDecorator, PlainDecorator
from celeriac.app.proxy import Proxy
from celeriac.app.task import Task

if TYPE_CHECKING:
    from celeriac.app.decorator import AsyncTask

P = ParamSpec("P")
R = TypeVar("R")


@overload
def shared_task(function: Callable[P, Coroutine[Any, Any, R]], /) -> "AsyncTask[P, R]": ...
@overload
def shared_task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def shared_task(*, bind: Literal[True], **options: Any) -> BoundDecorator: ...
@overload
def shared_task(*, bind: Literal[False] = False, **options: Any) -> PlainDecorator: ...
def shared_task(*args: Any, **options: Any) -> Any:
    """Make a task that works in whichever application is the current one; as ``@app.task``."""
    if len(args) == 1 and callable(args[0]):
        return _shared(args[0], options)
    if args:
        raise TypeError(f"@shared_task takes one function, or options by name only; it got {args!r}")
    return lambda function: _shared(function, options)


def _shared(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    named = options.get("name")

    def make(app: Any) -> None:
        app.task_from_function(function, **options)

    def find() -> Any:
        app = state.get_current_app()
        return app.tasks[named or app.gen_task_name(function.__name__, function.__module__)]

    state.connect_shared(make)
    return Proxy(find)
