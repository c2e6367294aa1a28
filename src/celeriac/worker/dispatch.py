"""Handing out jobs: how many packets may be out, and what goes into the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from celeriac.lib.signpost import reach
from celeriac.model.effects import Job
from celeriac.worker.ledger import Ledger
from celeriac.worker.options import UNBOUND
from celeriac.worker.pace import Pace
from celeriac.worker.packets import Channel, encode


class Dispatch:
    """Packs jobs and sends them to whichever task process is idle first."""

    def __init__(
        self, channel: Channel, ledger: Ledger, pace: Pace, processes: int, most_held: Callable[[int], int] = lambda places: UNBOUND
    ) -> None:
        self._channel = channel
        self._ledger = ledger
        self._pace = pace
        self._processes = processes
        self._most_held = most_held
        self._changed = threading.Condition()
        self._stopped = False

    def wait_for_room(self, timeout: float) -> int:
        """Return how many packets may be sent now; wait up to ``timeout`` seconds while there are too few to be worth a fetch."""
        with self._changed:
            if self._room() < self._worth():
                self._changed.wait(timeout)
            return max(0, self._room())

    def allowance(self) -> int:
        """Return how many jobs more may be held."""
        most = self._most_held(self._processes)
        return most if most >= UNBOUND else most - self._ledger.jobs

    def resize(self, processes: int) -> None:
        """There are so many task processes now."""
        self._processes = processes
        self.freed()

    def freed(self) -> None:
        """A packet has come back, or jobs were handed back."""
        if self._room() >= self._worth():
            with self._changed:
                self._changed.notify()

    def pack(self, jobs: Sequence[Job], room: int) -> list[list[Job]]:
        """Divide the first of these jobs into up to ``room`` packets; a job that only has to be concluded travels alone."""
        packets: list[list[Job]] = []
        at = 0
        while at < len(jobs) and len(packets) < room:
            size = 1 if jobs[at].lost else self._pace.count(name_of(job) for job in jobs[at:])
            packets.append(list(jobs[at : at + size]))
            at += size
        return packets

    def send(self, packets: Sequence[Sequence[Job]]) -> None:
        """Send packets; they are out from now on."""
        for jobs in packets:
            self._channel.send(encode(self._ledger.open(jobs)))
        self._pace.composed(len(packets), sum(map(len, packets)))
        reach("consumer.dispatched")

    def _worth(self) -> int:
        """While tasks are short, half of all packets are fetched at once: each round trip to the broker then serves many jobs."""
        if self._pace.ahead <= 1 or not len(self._ledger):
            return 1
        return max(1, min(self._processes * self._pace.ahead, self._most_held(self._processes)) // 2)

    def _room(self) -> int:
        return min(self._processes * self._pace.ahead - len(self._ledger), self.allowance())


def name_of(job: Job) -> str:
    """Return the name of a job's task."""
    name: str = job.delivery.envelope.headers.get("task", "")
    return name


