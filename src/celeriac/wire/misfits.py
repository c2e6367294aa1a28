"""Which part of a value a serializer cannot write, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import CoroutineType
from typing import Any

from celeriac.lib.saferepr import saferepr

_DEEPEST = 100


def explain(serializer: str, value: Any, writes: Callable[[Any], object], names: tuple[str, ...], error: BaseException) -> str:
    """Say which part of ``value`` cannot be written, of which type it is and what helps.

    ``writes`` raises for what it cannot write. ``names`` are the names of the places of ``value`` itself: ``args`` for its first, and so on.
    """
    path, misfit = _locate(value, writes, names)
    where = path or "the value"
    if isinstance(misfit, _Key):
        return f"{serializer} cannot write {where}: a key of type {_name(misfit.key)}. Use text as the key."
    if isinstance(misfit, _Ancestor):
        return f"{serializer} cannot write {where}: it contains itself, or is nested too deep. Pass flat data."
    if isinstance(misfit, (str, int, float, dict, list, tuple)):
        return f"{serializer} cannot write {where}: {type(error).__name__}: {_text(error)}"
    return f"{serializer} cannot write {where}: a value of type {_name(misfit)}. {_remedy(misfit, serializer)}"


class _Key:
    def __init__(self, key: Any) -> None:
        self.key = key


class _Ancestor:
    pass


def _locate(value: Any, writes: Callable[[Any], object], names: tuple[str, ...]) -> tuple[str, Any]:
    path = ""
    ancestors: set[int] = set()
    while id(value) not in ancestors and len(ancestors) < _DEEPEST:
        ancestors.add(id(value))
        for step, child in _children(value, names):
            if not _writable(child, writes):
                path, value = path + step, child
                break
        else:
            return path.lstrip("."), _bad_key(value, writes)
        names = ()
    return path.lstrip("."), _Ancestor()


def _children(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield (f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{saferepr(key, 100)}]"), child
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield (f".{names[index]}" if index < len(names) else f"[{index}]"), child


def _bad_key(value: Any, writes: Callable[[Any], object]) -> Any:
    if isinstance(value, dict):
        for key in value:
            if not _writable({key: None}, writes):
                return _Key(key)
    return value


def _writable(value: Any, writes: Callable[[Any], object]) -> bool:
    try:
        writes(value)
    except (Exception, SystemExit):
        return False
    return True


def _text(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except (Exception, SystemExit):  # the text may hold representations of what could not be written
        return "(its text cannot be shown)"


def _name(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__


def _remedy(value: Any, serializer: str) -> str:
    if isinstance(value, enum.Enum):
        return "Pass its .value (members of an IntEnum or StrEnum can be passed as they are)."
    if isinstance(value, CoroutineType):
        return "Await it first."
    if isinstance(value, (set, frozenset)) or (hasattr(value, "__iter__") and type(value).__module__ in ("builtins", "collections")):
        return "Pass list(...) of it."
    if isinstance(value, timedelta):
        return "Pass its .total_seconds()."
    if hasattr(type(value), "__dataclass_fields__"):
        return "Pass dataclasses.asdict(...) of it."
    if hasattr(value, "model_dump"):
        return "Pass its .model_dump(mode='json'), or declare the task with pydantic=True."
    if type(value).__module__.partition(".")[0] == "numpy":
        return "Pass its .tolist()."
    if hasattr(value, "pk"):
        return "Pass its primary key and load the object in the task."
    if serializer == "pickle":
        return "Pass plain data that identifies it."
    return "Pass plain data (text, numbers, lists, dicts) that identifies it, or register its class with register_type."
