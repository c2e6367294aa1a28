"""Making tasks: ``@app.task`` with its types, and what stands behind it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, overload

from celeriac.app.pydantic_tasks import validating
from celeriac.app.task import Task
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import DuplicateTaskNameWarning

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

    class AsyncTask(Task[P, R]):
        """A task whose body is a coroutine function: calling it gives a coroutine, its results are of the awaited type."""

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:  # type: ignore[override]
            ...


class PlainDecorator(Protocol):
    """What ``@app.task(...)`` is, without ``bind=True``."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> "AsyncTask[P, R]": ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class BoundDecorator(Protocol):
    """What ``@app.task(bind=True)`` is: the task itself is the function's first argument, which callers do not give."""

    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /) -> "AsyncTask[P, R]": ...
    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> Task[P, R]: ...


class DeclaresTasks:
    """The part of an application that makes tasks of functions."""

    @overload
    def task(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> "AsyncTask[P, R]": ...
    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(self, *, bind: Literal[True], **options: Any) -> BoundDecorator: ...
    @overload
    def task(self, *, bind: Literal[False] = False, **options: Any) -> PlainDecorator: ...
    def task(self, *args: Any, **options: Any) -> Any:
        """Make a task of a function: ``@app.task`` or ``@app.task(name=..., bind=True, base=..., ...)``; options become attributes of the task."""
        if len(args) == 1 and callable(args[0]):
            return self.task_from_function(args[0], **options)
        if args:
            raise TypeError(f"@task takes one function, or options by name only; it got {args!r}")
        return lambda function: self.task_from_function(function, **options)

    def task_from_function(self, function: Callable[..., Any], **options: Any) -> Any:
        """Make a task of a function and register it."""
        options.pop("lazy", None)
        shared = options.pop("shared", True)
        filtered = options.pop("filter", None)
        made = make_task(self, function, **options)
        if shared:
            self.share(function, options)
        return filtered(made) if filtered is not None else made

    def share(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        """Tasks made by ``@app.task`` belong to their own application."""


def make_task(
    app: Any, function: Callable[..., Any], *, name: str | None = None, base: Any = None, bind: bool = False, pydantic: bool = False, **options: Any
) -> Any:
    """Return the task of a function; the one that is registered already when its name is taken."""
    label = getattr(function, "__name__", None) or (name or "").rpartition(".")[2]
    if not label:
        raise TypeError(f"{function!r} has no name of its own; give the task one: @app.task(name=...)")
    name = name or app.gen_task_name(label, function.__module__)
    existing = app.registry.get(name)
    if existing is not None and not _executed_again(existing, function):
        if getattr(existing, "__wrapped__", None) is not function:
            warnings.warn(_duplicate(name, existing, function), DuplicateTaskNameWarning, stacklevel=4)
        return existing
    run = validating(app, function, bind=bind, options=options) if pydantic else function
    parent = symbol_by_name(base) if base is not None else app.Task
    attributes = {
        "name": name,
        "app": app,
        "run": run if bind else staticmethod(run),
        "abstract": False,
        "pydantic": pydantic,
        "bind_to_self": bind,
        "_decorated": True,
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": getattr(function, "__qualname__", label),
        "__annotations__": getattr(function, "__annotations__", {}),
        **options,
    }
    task = type(label, (parent,), attributes)()
    task.__wrapped__ = function
    task.__name__ = label
    app.register_made(task)
    return task


def _executed_again(existing: Any, function: Callable[..., Any]) -> bool:
    # The same place in the same module (a reload, a notebook's cell): the new function counts.
    known = getattr(existing, "__wrapped__", None)
    if known is None or known is function:
        return False
    places = {(found.__module__, getattr(found, "__qualname__", "<locals>")) for found in (known, function)}
    return len(places) == 1 and "<locals>" not in places.pop()[1]


def _duplicate(name: str, existing: Any, function: Callable[..., Any]) -> str:
    known = getattr(existing, "__wrapped__", type(existing))
    first, second = (f"{found.__module__}.{getattr(found, '__qualname__', found)}" for found in (known, function))
    return (
        f"Two tasks have the name {name!r}: {first}, which was registered first and stays, and {second}, which was not registered. "
        "Give one of them another name: @app.task(name=...)"
    )
