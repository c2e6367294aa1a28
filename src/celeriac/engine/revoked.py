"""Which tasks must not run: a bounded memory of revoked ids and stamps."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MOST = 200_000
"""Ids that are remembered, some 200 bytes each."""
KEPT = 10_800.0
"""Seconds for which an id is remembered."""

_STAMP = "stamp:"


class Revoked:
    """Ids (and marks of stamps) with the time of their revocation, the oldest forgotten first when there are too many.

    Time is an argument: epoch seconds.
    """

    def __init__(self, most: int = MOST, kept: float = KEPT) -> None:
        self._most = most
        self._kept = kept
        self._since: OrderedDict[str, float] = OrderedDict()
        self._stamps = 0

    def add(self, ids: Iterable[str], now: float) -> None:
        """Remember ids or marks."""
        since = self._since
        for id in ids:
            if id not in since and id.startswith(_STAMP):
                self._stamps += 1
            since[id] = now
            since.move_to_end(id)
        self.forget_old(now)

    def discard(self, id: str) -> None:
        """Forget an id."""
        if self._since.pop(id, None) is not None and id.startswith(_STAMP):
            self._stamps -= 1

    def forget_old(self, now: float) -> None:
        """Forget what is too old or too much."""
        since = self._since
        while since and (len(since) > self._most or next(iter(since.values())) < now - self._kept):
            self.discard(next(iter(since)))

    def holds(self, id: str, now: float) -> bool:
        """Whether a task was revoked, not longer ago than ids are kept."""
        when = self._since.get(id)
        return when is not None and when >= now - self._kept

    def covers(self, id: str, headers: Mapping[str, Any], now: float) -> bool:
        """Whether a task was revoked by its id or by a stamp that its message bears."""
        if self.holds(id, now):
            return True
        return self._stamps > 0 and any(self.holds(mark, now) for mark in marks_of(headers))

    def ids(self) -> list[str]:
        """Return the ids, the oldest first."""
        return [mark for mark in list(self._since) if not mark.startswith(_STAMP)]

    def items(self) -> list[tuple[str, float]]:
        """Return (id or mark, time) pairs, the oldest first."""
        return list(self._since.items())

    def __contains__(self, id: object) -> bool:
        return id in self._since

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._since))

    def __len__(self) -> int:
        return len(self._since)


def stamp_marks(headers: Mapping[str, Any]) -> list[str]:
    """Return the marks of stamps: one for each value of each header."""
    return [_mark(name, value) for name, values in headers.items() for value in _several(values)]


def marks_of(headers: Mapping[str, Any]) -> list[str]:
    """Return the marks of the stamps that a message's headers bear."""
    names: Sequence[str] = headers.get("stamped_headers") or ()
    stamps: Mapping[str, Any] = headers.get("stamps") or {}
    return stamp_marks({name: stamps.get(name, headers.get(name)) for name in names})


def _mark(name: str, value: Any) -> str:
    return f"{_STAMP}{name}={json.dumps(value, sort_keys=True, default=str)}"


def _several(values: Any) -> Iterable[Any]:
    return values if isinstance(values, list | tuple | set | frozenset) else (values,)
