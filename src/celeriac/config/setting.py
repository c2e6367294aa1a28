"""One setting: its name, what it may be, and what it means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta, tzinfo
from enum import StrEnum
from typing import Any

from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured


class Kind(StrEnum):
    """What a setting's value may be; the value of each member is how it is named to people."""

    BOOL = "True or False"
    INT = "a whole number"
    FLOAT = "a number"
    SECONDS = "seconds (a number) or a timedelta"
    EXPIRY = "a timedelta or seconds (a number)"
    TEXT = "text"
    LIST = "a list of names"
    DICT = "a dict"
    URL = "a URL, or a list of URLs"
    SYMBOL = "a name, a dotted path, or the object itself"
    PATH = "a path"
    SSL = "True, False or a dict of SSL options"
    COUNT = "a whole number or 'auto'"
    RATE = "text such as '10/m', or a number"
    ZONE = "the name of a time zone, or a tzinfo"
    QUEUES = "a list of queues, or a dict of them by name"
    SECRET = "text or bytes"
    ANY = "anything"


class Setting(Value, frozen=True):
    """A line of the table. ``old`` are Celery's upper-case names; None is always allowed unless ``required``."""

    name: str
    kind: Kind
    default: Any
    doc: str
    old: tuple[str, ...] = ()
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    required: bool = False
    ours: bool = False
    """Whether Celery does not have it."""

    @property
    def allowed(self) -> str:
        """Say in words what the value may be."""
        if self.choices:
            words = "one of " + ", ".join(repr(choice) for choice in self.choices)
        else:
            words = self.kind.value
            if self.minimum is not None:
                words += f", at least {self.minimum:g}"
        return words if self.required else f"{words}, or None"


def coerce(setting: Setting, value: Any) -> Any:
    """Return the value in the type of its setting; numbers may be written as text, a list of one name as that name.

    Raises ``ImproperlyConfigured`` that says key, value and what is allowed.
    """
    if value is None:
        if setting.required:
            raise refusal(setting, value)
        return None
    try:
        found = _READERS[setting.kind](value)
    except (TypeError, ValueError):
        raise refusal(setting, value) from None
    if setting.choices and found not in setting.choices:
        raise refusal(setting, value)
    if setting.minimum is not None and _number(found) < setting.minimum:
        raise refusal(setting, value)
    return found


def refusal(setting: Setting, value: Any) -> ImproperlyConfigured:
    """Return the error that says why a value is refused."""
    shown = "***" if setting.kind is Kind.SECRET or "password" in setting.name else repr(value)
    hint = " Text is never taken for a truth value." if setting.kind is Kind.BOOL and isinstance(value, str) else ""
    return ImproperlyConfigured(f"Setting {setting.name} = {shown} ({type(value).__name__}) is not possible: it must be {setting.allowed}.{hint}")


def seconds(value: Any) -> float | None:
    """Return a duration as seconds: a number, text of one, a ``timedelta``; None stays None."""
    if value is None:
        return None
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _number(value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, int | float) else float("inf")


def _bool(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError(value)


def _int(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise ValueError(value)


def _float(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    return float(value)


def _seconds(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else _float(value)


def _expiry(value: Any) -> Any:
    # Celery's default of these is a timedelta, and programs read it as one.
    return value if isinstance(value, timedelta) else _float(value)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    # What is left may be text that is only made when it is read (Django's lazy strings).
    if isinstance(value, bytes | bool | int | float | Mapping | list | tuple | set | type) or callable(value):
        raise ValueError(value)
    return str(value)


def _list(value: Any) -> Any:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise ValueError(value)


def _dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    raise ValueError(value)


def _url(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_text(part) for part in value]
    return _text(value)


def _path(value: Any) -> Any:
    return os.fspath(value)


def _ssl(value: Any) -> Any:
    return value if isinstance(value, Mapping) else _bool(value)


def _count(value: Any) -> Any:
    return value if value == "auto" else _int(value)


def _rate(value: Any) -> Any:
    return value if isinstance(value, str) else _float(value)


def _zone(value: Any) -> Any:
    return value if isinstance(value, tzinfo) else _text(value)


def _queues(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return value
    if isinstance(value, set | frozenset):
        return list(value)
    raise ValueError(value)


def _secret(value: Any) -> Any:
    return value if isinstance(value, bytes) else _text(value)


def _symbol(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise ValueError(value)
    return value


def _as_is(value: Any) -> Any:
    return value


_READERS = {
    Kind.BOOL: _bool,
    Kind.INT: _int,
    Kind.FLOAT: _float,
    Kind.SECONDS: _seconds,
    Kind.EXPIRY: _expiry,
    Kind.TEXT: _text,
    Kind.LIST: _list,
    Kind.DICT: _dict,
    Kind.URL: _url,
    Kind.SYMBOL: _symbol,
    Kind.PATH: _path,
    Kind.SSL: _ssl,
    Kind.COUNT: _count,
    Kind.RATE: _rate,
    Kind.ZONE: _zone,
    Kind.QUEUES: _queues,
    Kind.SECRET: _secret,
    Kind.ANY: _as_is,
}
