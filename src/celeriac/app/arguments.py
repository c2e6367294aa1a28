"""Checking the arguments of a call before it is sent, with the words Python itself uses."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable
from typing import Any

Check = Callable[..., Any]


def header_of(function: Callable[..., Any]) -> Check | None:
    """Return a function that takes the same arguments and does nothing; None for callables that cannot be inspected."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        header: Any = eval(f"lambda {_parameters(signature)}: None", {"__builtins__": {}})
    except SyntaxError:
        return None
    name = getattr(function, "__name__", "task")
    header.__name__ = name
    header.__qualname__ = getattr(function, "__qualname__", name).rpartition("<locals>.")[2]
    return header  # type: ignore[no-any-return]


def _parameters(signature: inspect.Signature) -> str:
    parts: list[str] = []
    positional_only = star = False
    for parameter in signature.parameters.values():
        kind = parameter.kind
        if positional_only and kind is not parameter.POSITIONAL_ONLY:
            parts.append("/")
            positional_only = False
        if kind is parameter.POSITIONAL_ONLY:
            positional_only = True
        elif kind is parameter.VAR_POSITIONAL:
            star = True
        elif kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        parts.append(_parameter(parameter))
    if positional_only:
        parts.append("/")
    return ", ".join(parts)


def _parameter(parameter: inspect.Parameter) -> str:
    name = parameter.name
    if not name.isidentifier() or keyword.iskeyword(name):
        raise SyntaxError(name)
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{name}"
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{name}"
    return name if parameter.default is parameter.empty else f"{name}=None"
