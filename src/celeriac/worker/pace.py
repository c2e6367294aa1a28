"""How long tasks take, and so how many of them make one packet and how many packets may be out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

MOST_JOBS = 64
"""The most jobs in one packet, however short they are."""

_RISE = 0.5
_FALL = 0.05
_SHORT = 0.005
_AHEAD = 8
_FAR = 0.005
_FAR_WRITTEN = 0.05
"""Seconds. A large batch takes a near store some while too, so writes tell only of what is very far."""
_MOST_AHEAD = 64
_TRIPS = 3
"""Round trips from the moment when half of what is out has ended until there is more: another write, the fetch, the acknowledgement."""
_LONG = 0.05
_FETCHES = 4
_COVERED = 2
_MOST_FETCHED = 2_000


class Pace:
    """A high quantile of recent run times by task name: it rises fast and falls slowly.

    A task that has not been seen is taken to be long, so it travels alone.
    """

    def __init__(self, packet_time: float) -> None:
        self.packet_time = packet_time
        self._estimates: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        """How many runs of each task have ended here."""
        self._appetite = 1.0
        self._fetch = 0.0
        self._fetches: deque[float] = deque(maxlen=_FETCHES)
        self._write = 0.0
        self._writes: deque[float] = deque(maxlen=_FETCHES)
        self._recent = 1.0

    def note(self, name: str, seconds: float) -> None:
        """Learn from one run."""
        known = self._estimates.get(name)
        if known is None:
            known = seconds
        self.counts[name] = self.counts.get(name, 0) + 1
        known += (seconds - known) * (_RISE if seconds > known else _FALL)
        self._estimates[name] = self._recent = known

    def estimate(self, name: str) -> float:
        """Return the seconds that a run of this task may well take."""
        return self._estimates.get(name, self.packet_time)

    def count(self, names: Iterable[str], *, alone: bool = False) -> int:
        """Return how many of the next jobs, in order, make one packet: at least one, about ``packet_time`` together.

        Where nobody else in this worker could run them (``alone``) and the broker is far away, they are what will begin within a few round trips.
        """
        trip = self.trip if alone else 0.0
        together, most = (_TRIPS * trip, _MOST_FETCHED) if trip else (self.packet_time, MOST_JOBS)
        total, jobs = 0.0, 0
        for name in names:
            total += self.estimate(name)
            if jobs and (total > together or jobs >= most):
                break
            jobs += 1
        return jobs

    def composed(self, packets: int, jobs: int) -> None:
        """Learn how full the last packets were; decides how many jobs the next fetch asks for."""
        if packets:
            full = jobs / packets
            self._appetite = min(MOST_JOBS, 2.0 * full if full >= self._appetite else full)

    @property
    def appetite(self) -> int:
        """How many jobs to fetch for each packet that may go out."""
        return max(1, int(self._appetite)) if self._recent < self.packet_time else 1

    def fetched(self, seconds: float) -> None:
        """Learn how long (seconds) a fetch took that found as many messages as it asked for. It may have waited for them; not every one does."""
        self._fetches.append(seconds)
        self._fetch = min(self._fetches) if len(self._fetches) == _FETCHES else 0.0

    def written(self, seconds: float) -> None:
        """Learn how long (seconds) outcomes or acknowledgements took to be written."""
        self._writes.append(seconds)
        self._write = min(self._writes) if len(self._writes) == _FETCHES else 0.0

    @property
    def trip(self) -> float:
        """How long a round trip to a broker takes that is far away (seconds); 0 where it is near."""
        return max(self._fetch if self._fetch > _FAR else 0.0, self._write if self._write > _FAR_WRITTEN else 0.0)

    @property
    def far(self) -> bool:
        """Whether a round trip to the broker takes so long that work has to go on meanwhile."""
        return self.trip > 0

    def wanted(self, room: int, processes: int) -> int:
        """Return how many jobs to fetch when so many packets may go out.

        Where the broker is far away these are as many as keep all task processes busy for a few times as long as the next fetch will take. Tasks
        that are longer than it are not fetched ahead: others could run them.
        """
        jobs = room * self.appetite
        trip = self.trip
        if not trip or self._recent > max(_LONG, trip):
            return jobs
        covering = processes * _COVERED * trip / max(self._recent, 0.0001)
        return max(jobs, min(_MOST_FETCHED, int(covering)))

    @property
    def ahead(self) -> int:
        """How many packets may be out for each task process: one while tasks are long, more while they are short.

        Where tasks keep all processors busy, the consumer has its turn only every few milliseconds: what is out has to last until then. Where the
        broker is far away, it has to last until the next acknowledgements are written: what is out begins within a few round trips.
        """
        near = _AHEAD if self._recent < max(self.packet_time, _SHORT) else 1
        trip = self.trip
        return max(near, min(_MOST_AHEAD, 1 + int(_TRIPS * trip / max(self._recent, 0.0001)))) if trip else near
