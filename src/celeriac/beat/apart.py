"""A schedule in another store than the messages: they cannot be one write, so the messages go first.

A crash between the two sends the slot's messages again, under the same task ids: nothing is lost, and a repeat can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from celeriac.contracts.schedule_store import Firing, ScheduleRecord, ScheduleStore
from celeriac.lib.signpost import reach
from celeriac.model.envelope import Outgoing


class Apart(ScheduleStore):
    """Wraps the store of the schedule; ``publish`` hands messages to the broker."""

    def __init__(self, inner: ScheduleStore, publish: Callable[[Sequence[Outgoing]], Any]) -> None:
        self._inner = inner
        self._publish = publish
        self._candidate = ""

    def scan(self) -> Iterator[ScheduleRecord]:
        return self._inner.scan()

    def get(self, names: Collection[str]) -> Mapping[str, ScheduleRecord]:
        return self._inner.get(names)

    def put(self, records: Sequence[ScheduleRecord], *, afresh: bool = False) -> None:
        self._inner.put(records, afresh=afresh)

    def remove(self, names: Collection[str]) -> None:
        self._inner.remove(names)

    def due_before(self, moment: float, limit: int) -> Sequence[ScheduleRecord]:
        return self._inner.due_before(moment, limit)

    def next_due(self) -> float | None:
        return self._inner.next_due()

    def stamp(self) -> str:
        return self._inner.stamp()

    def set_stamp(self, text: str) -> None:
        self._inner.set_stamp(text)

    def lead(self, candidate: str, ttl: float) -> int | None:
        self._candidate = candidate
        return self._inner.lead(candidate, ttl)

    def resign(self, candidate: str) -> None:
        self._inner.resign(candidate)

    def leader(self) -> str | None:
        return self._inner.leader()

    def fire(self, token: int, firings: Sequence[Firing]) -> Sequence[bool]:
        if self._inner.leader() != self._candidate:
            return [False] * len(firings)
        stored = self._inner.get({firing.record.name for firing in firings})
        fit = [_fits(stored.get(firing.record.name), firing) for firing in firings]
        messages = [message for firing, fits in zip(firings, fit) if fits for message in firing.outgoing]
        if messages:
            self._publish(messages)
        reach("beat.published")
        done = iter(self._inner.fire(token, [firing.replace(outgoing=()) for firing, fits in zip(firings, fit) if fits]))
        return [next(done) if fits else False for fits in fit]


def _fits(stored: ScheduleRecord | None, firing: Firing) -> bool:
    """Tell whether a slot is still to be fired, as far as can be seen before its messages are sent."""
    if stored is None or not stored.enabled or stored.body != firing.record.body:
        return False
    return stored.last_run is None or stored.last_run < firing.slot
