"""Exceptions as data: written so that nothing in them can break a worker, read so that nothing but exceptions is ever made.

Celery's three keys (``exc_type``, ``exc_message``: the arguments, ``exc_module``), and where they exist ``exc_notes``, ``exc_cause``
(the ``__cause__``, written in the same way) and ``exc_group`` (the members of an exception group). Celery passes over the last three.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from functools import lru_cache, partial
from typing import Any

from celeriac.lib.saferepr import saferepr
from celeriac.model import errors
from celeriac.model.errors import RemoteError
from celeriac.wire import serializers

ARGUMENTS_MAX = 16_384
"""Encoded bytes that the arguments of one exception may take; beyond that they are cut representations."""
TOTAL_MAX = 24_576
"""Encoded bytes that an exception with its notes, causes and members may take."""
_REPR_MAX = 1_024
_DEEPEST = 5
_WIDEST = 10

_HOMES = {name: "celery.exceptions" for name in vars(errors) if isinstance(getattr(errors, name), type)} | {
    **dict.fromkeys(("OperationalError", "EncodeError", "DecodeError", "ContentDisallowed"), "kombu.exceptions"),
    **dict.fromkeys(("SoftTimeLimitExceeded", "TimeLimitExceeded", "WorkerLostError", "Terminated"), "billiard.exceptions"),
    "CeleryError": "celery.exceptions",
}
_OURS_ALONE = frozenset({"UnsupportedPower", "MissingExtra", "CompilationError", "RemoteError", "SettingWarning"})
_RENAMED = {"CeleriacError": "CeleryError", "CeleriacWarning": "CeleryWarning"}
_NAMED_BACK = {theirs: ours for ours, theirs in _RENAMED.items()}
_OUR_HOME = errors.__name__
_THEIR_HOMES = frozenset(_HOMES.values())


def to_wire(error: BaseException, *, serializer: str = "json") -> dict[str, Any]:
    """Describe an exception in values that ``serializer`` can write, in less than ``TOTAL_MAX`` bytes; never raises."""
    try:
        return _describe(error, serializer, _Budget(TOTAL_MAX), frozenset())
    except Exception as trouble:
        text = f"<the exception cannot be described: {type(trouble).__name__}>"
        return {"exc_type": "Exception", "exc_message": [text], "exc_module": "builtins"}


def from_wire(found: Any) -> BaseException:
    """Rebuild an exception: of its own class when that can be imported and made, else of a ``RemoteError`` that has its name.

    An exception is returned as it is. Classes that are no exceptions are never called.
    """
    return _rebuild(found, _DEEPEST)


class _Budget:
    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


def _describe(error: BaseException, serializer: str, budget: _Budget, above: frozenset[int]) -> dict[str, Any]:
    module, name = _identity(error)
    above = above | {id(error)}
    found: dict[str, Any] = {"exc_type": name, "exc_message": _arguments(error, serializer, budget), "exc_module": module}
    notes = _notes(error, budget)
    if notes:
        found["exc_notes"] = notes
    if len(above) > _DEEPEST:
        return found
    cause = getattr(error, "__cause__", None)
    if isinstance(cause, BaseException) and id(cause) not in above and budget.take(200):
        found["exc_cause"] = _describe(cause, serializer, budget, above)
    if isinstance(error, BaseExceptionGroup):
        found["exc_message"] = found["exc_message"][:1]
        members = [member for member in error.exceptions[:_WIDEST] if id(member) not in above and budget.take(200)]
        found["exc_group"] = [_describe(member, serializer, budget, above) for member in members]
    return found


def _identity(error: BaseException) -> tuple[str, str]:
    kind = type(error)
    if issubclass(kind, RemoteError) and kind is not RemoteError:
        return _text(kind.exc_module, 200), _text(kind.exc_type, 200)
    try:
        module, name = _text(kind.__module__, 200), _text(kind.__qualname__, 200)
    except Exception:
        return "builtins", "Exception"
    if module == _OUR_HOME and name not in _OURS_ALONE:
        name = _RENAMED.get(name, name)
        return _HOMES.get(name, "celery.exceptions"), name
    return module, name


def _text(value: Any, longest: int) -> str:
    return str(value).encode("ascii", "backslashreplace").decode("ascii").replace("\0", "")[:longest]


def _arguments(error: BaseException, serializer: str, budget: _Budget) -> list[Any]:
    try:
        given = _args_of(error)
        size = serializers.size(list(given), serializer)
        if size is not None and size <= ARGUMENTS_MAX and budget.take(size):
            return list(given)
        # The last place tells of the arguments that do not fit.
        kept = [_argument(value, serializer, budget) for value in given[:_WIDEST]]
        return kept if len(given) <= _WIDEST else [*kept, f"... {len(given) - _WIDEST} more"]
    except Exception as trouble:
        return [f"<the arguments cannot be read: {type(trouble).__name__}>"]


def _args_of(error: BaseException) -> tuple[Any, ...]:
    # Past whatever the class calls ``args``, which may be anything.
    given: tuple[Any, ...] = vars(BaseException)["args"].__get__(error)
    return given


def _argument(value: Any, serializer: str, budget: _Budget) -> Any:
    size = serializers.size(value, serializer)
    if size is not None and size <= ARGUMENTS_MAX and budget.take(size):
        return value
    text = _ascii_bounded(value)
    return text if budget.take(len(text) + 2) else "..."


def _ascii_bounded(value: Any) -> str:
    try:
        return _text(saferepr(value, _REPR_MAX), _REPR_MAX + 200) if not isinstance(value, str) else _text(value, _REPR_MAX) + "..."
    except BaseException as trouble:  # a __repr__ may raise even SystemExit; it must not end the worker
        return f"<{_text(type(value).__name__, 100)}: repr raised {type(trouble).__name__}>"


def _notes(error: BaseException, budget: _Budget) -> list[str]:
    notes = getattr(error, "__notes__", None)
    if not isinstance(notes, list):
        return []
    plain = [str.__str__(note) for note in notes[:_WIDEST] if isinstance(note, str)]
    texts = [note if len(note) <= _REPR_MAX and _encodable(note) else _text(note, _REPR_MAX) + "..." for note in plain]
    return [text for text in texts if budget.take(6 * len(text) + 2)]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _rebuild(found: Any, depth: int) -> BaseException:
    if isinstance(found, BaseException):
        return found
    if not isinstance(found, dict) or not found.get("exc_type"):
        return RemoteError(found)
    args = found.get("exc_message")
    args = tuple(args) if isinstance(args, (list, tuple)) else (() if args is None else (args,))
    module, name = found.get("exc_module"), str(found["exc_type"])
    made = _members(found, args, depth) or _instance(_class(module, name), args) or _instance(_stand_in(_text(module, 200), _text(name, 200)), args)
    if made is None:
        made = RemoteError(*args)
    _decorate(made, found, depth)
    return made


def _decorate(made: BaseException, found: dict[str, Any], depth: int) -> None:
    notes = found.get("exc_notes")
    cause = found.get("exc_cause")
    try:
        if isinstance(notes, list) and notes:
            made.__notes__ = [str(note) for note in notes]
        if isinstance(cause, dict) and depth > 0:
            made.__cause__ = _rebuild(cause, depth - 1)
    except Exception as trouble:
        made.args = (*made.args, f"<its notes and cause cannot be set: {type(trouble).__name__}>")


def _members(found: dict[str, Any], args: tuple[Any, ...], depth: int) -> BaseException | None:
    members = found.get("exc_group")
    if not isinstance(members, list) or not members or depth <= 0:
        return None
    text = str(args[0]) if args else ""
    return BaseExceptionGroup(text, [_rebuild(member, depth - 1) for member in members])


def _class(module: Any, name: str) -> type[BaseException] | None:
    """Return the exception class of that name, or None; the import of its module is the only code that runs."""
    if module == _OUR_HOME or (isinstance(module, str) and module in _THEIR_HOMES):
        ours = getattr(errors, _NAMED_BACK.get(name, name), None)
        if ours is not None:
            return _if_exception(ours)
    try:
        candidate = builtins if module is None else sys.modules.get(module) or importlib.import_module(module)
        for part in name.split("."):
            candidate = getattr(candidate, part)
    except (Exception, SystemExit):  # a module may do anything when it is imported
        return None
    return _if_exception(candidate)


def _if_exception(candidate: Any) -> type[BaseException] | None:
    return candidate if isinstance(candidate, type) and issubclass(candidate, BaseException) else None


@lru_cache(maxsize=1024)
def _stand_in(module: str, name: str) -> type[RemoteError]:
    short = name.rpartition(".")[2] or "RemoteError"
    return type(short, (RemoteError,), {"__module__": module, "__qualname__": name, "exc_type": name, "exc_module": module})


def _instance(kind: type[BaseException] | None, args: tuple[Any, ...]) -> BaseException | None:
    if kind is None:
        return None
    for make in (kind, partial(kind.__new__, kind)):
        try:
            made: Any = make(*args)
            if not isinstance(made, BaseException):
                continue
            if made.args != args and not isinstance(made, (OSError, BaseExceptionGroup)):
                # Its __init__ makes a text of its arguments, and what was sent is that text already.
                made.args = args
            str(made)
        except BaseException as trouble:  # a class may raise anything when it is made without what it needs
            if isinstance(trouble, KeyboardInterrupt):
                raise
            continue
        return made
    return None
