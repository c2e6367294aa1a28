"""Where schedules live: entries, when they are due, and who leads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence

from celeriac.lib.value import Value
from celeriac.model.envelope import Outgoing

PAGE = 1000
"""Entries that one look at a store takes at most."""


class ScheduleRecord(Value, frozen=True):
    """One stored entry.

    ``body`` is its encoded definition, ``next_due`` epoch seconds or None when it never runs again, ``last_run`` the slot that was fired last
    (epoch seconds), ``runs`` how many were. An entry that is not ``enabled`` is never due.
    """

    name: str
    body: bytes
    next_due: float | None = None
    last_run: float | None = None
    runs: int = 0
    enabled: bool = True


class Firing(Value, frozen=True):
    """One slot of one entry: what is sent, and the entry's record as it is to be afterwards (its body as it was read)."""

    record: ScheduleRecord
    slot: float
    outgoing: Sequence[Outgoing] = ()


class ScheduleStore(ABC):
    """Transactional: whatever dies at whatever moment, a slot is fired once.

    The slots of an entry only grow: one that is not later than the last fired one counts as fired.
    """

    @abstractmethod
    def scan(self) -> Iterator[ScheduleRecord]:
        """Yield all entries, read in pages; one that is changed meanwhile may come twice."""

    def entries(self) -> Mapping[str, ScheduleRecord]:
        """Return all entries."""
        return {record.name: record for record in self.scan()}

    @abstractmethod
    def get(self, names: Collection[str]) -> Mapping[str, ScheduleRecord]:
        """Return those of these entries that there are."""

    @abstractmethod
    def put(self, records: Sequence[ScheduleRecord], *, afresh: bool = False) -> None:
        """Add or replace entries; ``afresh`` forgets which of their slots were fired."""

    @abstractmethod
    def remove(self, names: Collection[str]) -> None:
        """Remove entries, and the memory of what they fired."""

    @abstractmethod
    def due_before(self, moment: float, limit: int) -> Sequence[ScheduleRecord]:
        """Return enabled entries that are due at or before a moment, the earliest first; found by an index."""

    @abstractmethod
    def next_due(self) -> float | None:
        """Return when the first enabled entry is due, or None; found by an index."""

    @abstractmethod
    def stamp(self) -> str:
        """Return what ``set_stamp`` kept last, or ""."""

    @abstractmethod
    def set_stamp(self, text: str) -> None:
        """Keep a word on which state of the code the entries were reconciled with."""

    @abstractmethod
    def lead(self, candidate: str, ttl: float) -> int | None:
        """Take or keep the lead for ``ttl`` seconds; return the fencing token (it grows with every change of leader), or None."""

    @abstractmethod
    def resign(self, candidate: str) -> None:
        """Give up the lead, if this candidate has it: another one may take it at once."""

    @abstractmethod
    def leader(self) -> str | None:
        """Return who leads now, or None."""

    @abstractmethod
    def fire(self, token: int, firings: Sequence[Firing]) -> Sequence[bool]:
        """Send the messages of slots and keep the records, each slot in one write; say of each whether it was fired.

        It was not when the token is old, the slot was fired before, or the entry was removed, disabled or got another body since it was read.
        """
