"""Tasks whose arguments and result are validated by pydantic (``pydantic=True``)."""

from __future__ import annotations

import functools
import importlib
import inspect
import typing
from collections.abc import Callable
from typing import Any

from celeriac.model.errors import MissingExtra


def validating(app: Any, function: Callable[..., Any], *, bind: bool, options: dict[str, Any]) -> Callable[..., Any]:
    """Return the function such that models among its arguments are built from dicts, and a model it returns becomes a dict again.

    Takes its own options out: pydantic_strict (default: the application's strict_typing), pydantic_context, pydantic_dump_kwargs.
    """
    library = _library()
    strict = options.pop("pydantic_strict", None)
    context = options.pop("pydantic_context", None) or {}
    dump = {"mode": "json", **(options.pop("pydantic_dump_kwargs", None) or {})}
    hints = _models(library, function)
    signature = inspect.signature(function)
    settings = {"strict": app.strict_typing if strict is None else strict, "context": context}

    def arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        bound = signature.bind(*args, **kwargs)
        for name, model in hints.items():
            value = bound.arguments.get(name)
            if value is not None and not isinstance(value, library.BaseModel):
                bound.arguments[name] = model.model_validate(value, **settings)
        return bound

    def returned(value: Any) -> Any:
        return value.model_dump(**dump) if isinstance(value, library.BaseModel) else value

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_coroutine(*args: Any, **kwargs: Any) -> Any:
            bound = arguments(args, kwargs)
            return returned(await function(*bound.args, **bound.kwargs))

        return run_coroutine

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        bound = arguments(args, kwargs)
        return returned(function(*bound.args, **bound.kwargs))

    return run


def _library() -> Any:
    try:
        return importlib.import_module("pydantic")
    except ImportError as error:
        raise MissingExtra("Tasks with pydantic=True need pydantic: install celeriac[pydantic]") from error


def _models(library: Any, function: Callable[..., Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(function)
    hints.pop("return", None)
    return {name: model for name, hint in hints.items() if (model := _model(library, hint)) is not None}


def _model(library: Any, hint: Any) -> Any:
    candidates = [hint, *(arg for arg in typing.get_args(hint) if arg is not type(None))]
    found = [candidate for candidate in candidates if isinstance(candidate, type) and issubclass(candidate, library.BaseModel)]
    return found[0] if len(found) == 1 and len(candidates) <= 2 else None
