"""A representation that is bounded, never raises and never runs for long."""

from __future__ import annotations

import reprlib
from typing import Any


class _Repr(reprlib.Repr):
    def __init__(self, length: int, levels: int) -> None:
        super().__init__()
        self.maxlevel = levels
        self.maxstring = self.maxother = self.maxlong = length
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = self.maxarray = max(16, length // 4)

    def repr_instance(self, x: Any, level: int) -> str:
        try:
            text = repr(x)
        except Exception as error:
            return f"<{type(x).__module__}.{type(x).__qualname__}: repr raised {type(error).__name__}>"
        return text if len(text) <= self.maxother else text[: self.maxother - 3] + "..."


_SHORT = (bool, float, type(None))
_representers: dict[tuple[int, int], _Repr] = {}


def saferepr(value: Any, maxlen: int = 1024, maxlevels: int = 3) -> str:
    """Return ``repr(value)`` cut to about ``maxlen`` characters and ``maxlevels`` of nesting."""
    kind = type(value)
    if kind in _SHORT or (kind is int and -(1 << 63) < value < 1 << 63):
        return repr(value)
    found = _representers.get((maxlen, maxlevels))
    if found is None:
        found = _representers[(maxlen, maxlevels)] = _Repr(maxlen, maxlevels)
    try:
        text = found.repr(value)
    except Exception as error:
        text = f"<{kind.__module__}.{kind.__qualname__}: repr raised {type(error).__name__}>"
    return text if len(text) <= maxlen else text[: maxlen - 3] + "..."
