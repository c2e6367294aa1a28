"""The second seam: a store of results. Threads and forks: as for brokers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from celeriac.model.record import ChordPart, DueChord, GroupRecord, ResultRecord


class ResultBackend(ABC):
    """Where the states and results of tasks are kept."""

    @abstractmethod
    def connect(self) -> None:
        """Reach the store and make ready what it needs; idempotent."""

    @abstractmethod
    def close(self) -> None:
        """Let go; wakes watches that wait."""

    @abstractmethod
    def store(self, records: Sequence[ResultRecord]) -> None:
        """Keep records, in one write; a stored SUCCESS is never replaced."""

    @abstractmethod
    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        """Return the records that exist (and have not expired) among ``ids``."""

    @abstractmethod
    def forget(self, ids: Collection[str]) -> None:
        """Remove records."""


class Watch(ABC):
    """Waiting for tasks to reach a ready state. ``add`` may be called from any thread while another waits in ``next``."""

    @abstractmethod
    def add(self, ids: Collection[str]) -> None:
        """Watch more ids, from now on; also finds what is ready already."""

    @abstractmethod
    def next(self, timeout: float) -> Mapping[str, ResultRecord]:
        """Wait up to ``timeout`` seconds; return records that became ready, each id once."""

    @abstractmethod
    def close(self) -> None:
        """Stop watching; wakes a ``next`` that waits, which returns nothing."""


class Notifies(ABC):
    """The store tells when a result arrives; without this power results are polled."""

    @abstractmethod
    def watch(self, ids: Collection[str]) -> Watch:
        """Begin to watch; what is ready already is returned by the first ``next``."""


class KeepsTime(ABC):
    """Time passes in this store as it says, not as the machine's clocks do: whoever waits for a result waits in the store's time. For tests."""

    @abstractmethod
    def monotonic(self) -> float:
        """Return the store's seconds, which never run backwards."""

    @abstractmethod
    def wait(self, ids: Collection[str], timeout: float | None) -> Mapping[str, ResultRecord]:
        """Let time pass until at least one task is ready; return the ready records, none when ``timeout`` (seconds of the store) has passed."""

    @abstractmethod
    async def await_one(self, id: str, timeout: float | None) -> ResultRecord | None:
        """As ``wait``, for one task and called on an event loop."""


class AnswersCallers(ABC):
    """Results go to whoever made the call, and nobody else can read them: no worker can look whether the parts of a chord are ready."""

    @abstractmethod
    def prepare_to_answer(self) -> None:
        """This process will send results: make now what only that needs, or the first result would wait for it."""


class CountsChords(ABC):
    """The store counts the parts of chords: atomically, idempotent by part, and each chord falls due exactly once."""

    @abstractmethod
    def count(self, parts: Sequence[ChordPart]) -> Sequence[DueChord]:
        """Count finished parts; return the chords that fell due by it and that ``done`` was not called for.

        A chord stays due until ``done``: counting a part of it again returns it again, so a caller that died in between is made up for.
        """

    @abstractmethod
    def done(self, groups: Collection[str]) -> None:
        """The bodies of these chords have been sent: they never fall due again."""


class AnnouncesChords(ABC):
    """The store is told how large a chord is before its parts are sent: for workers (Celery's) that do not find it in messages."""

    @abstractmethod
    def begin(self, group: str, size: int, ttl: float | None) -> None:
        """A chord of ``size`` parts is about to be sent."""


class OpensChords(AnnouncesChords):
    """It has to be told of each chord before the first of its parts is sent: ``begin`` with size 0 if that is not known yet, later with the size."""


class FindsDueChords(ABC):
    """The store can tell which chords have fallen due and are not done: so that somebody finishes what a dead worker has left."""

    @abstractmethod
    def due(self, limit: int = 100) -> Sequence[DueChord]:
        """Return chords that are due."""


class StoresGroups(ABC):
    """The store keeps saved groups."""

    @abstractmethod
    def store_groups(self, records: Sequence[GroupRecord]) -> None:
        """Keep groups."""

    @abstractmethod
    def load_group(self, group: str) -> GroupRecord | None:
        """Return a saved group."""

    @abstractmethod
    def forget_groups(self, groups: Collection[str]) -> None:
        """Remove saved groups."""


class Expires(ABC):
    """Expired records do not vanish by themselves; somebody has to call for it."""

    @abstractmethod
    def cleanup(self) -> int:
        """Remove what has expired; return how many records."""


class Withdraws(ABC):
    """A result store that real Celery uses too can be cleared of what only we read there."""

    @abstractmethod
    def withdraw(self) -> int:
        """Remove it; results, groups and chords under way stay. Return how many keys."""
