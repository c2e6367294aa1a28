"""Where schedules live: entries, when they last ran, and who leads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from celeriac.lib.value import Value
from celeriac.model.envelope import Outgoing


class ScheduleRecord(Value, frozen=True):
    """One stored entry; ``body`` is its encoded definition, ``next_due`` epoch seconds or None when it never runs again."""

    name: str
    body: bytes
    next_due: float | None = None
    last_run: float | None = None
    runs: int = 0
    enabled: bool = True


class ScheduleStore(ABC):
    """Transactional: whatever dies at whatever moment, a slot is fired once."""

    @abstractmethod
    def entries(self) -> Mapping[str, ScheduleRecord]:
        """Return all entries."""

    @abstractmethod
    def put(self, records: Sequence[ScheduleRecord]) -> None:
        """Add or replace entries."""

    @abstractmethod
    def remove(self, names: Collection[str]) -> None:
        """Remove entries."""

    @abstractmethod
    def lead(self, candidate: str, ttl: float) -> int | None:
        """Take or keep the lead for ``ttl`` seconds; return the fencing token (it grows with every change of leader), or None."""

    @abstractmethod
    def fire(self, token: int, record: ScheduleRecord, slot: float, outgoing: Sequence[Outgoing]) -> bool:
        """Send the messages of one slot and keep ``record``, in one write; False when the slot was fired already or the token is old."""
