"""An event as programs make and see it: a dict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any


def Event(
    type: str, _fields: Mapping[str, Any] | None = None, __now__: Callable[[], float] = time.time, **fields: Any
) -> dict[str, Any]:
    """Return an event of a type, such as ``task-progress``; it has a ``timestamp`` (epoch seconds), now unless it is given."""
    return {"timestamp": __now__(), **(_fields or {}), **fields, "type": type}


@lru_cache(256)
def group_from(type: str) -> str:
    """Return the group of a type: that of ``task-sent`` is ``task``."""
    return type.partition("-")[0]


def utcoffset() -> int:
    """Return how many hours local time is behind UTC, as events say it."""
    return (time.altzone if time.daylight and time.localtime().tm_isdst else time.timezone) // 3600
