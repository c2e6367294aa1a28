"""Counts of tasks. Written by the threads that work, a whole batch at a time, and read by the one that answers scrapes.

Each field has one writing thread at a time, or is rare and guarded by a lock; reading needs none.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from celeriac.model.effects import Effects, Ending, Job, Writes
from celeriac.model.envelope import Delivery, Verdict
from celeriac.model.errors import InvalidTaskError
from celeriac.wire.task import SENT, parse_time

BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
"""The upper bounds of histograms (seconds)."""
UNKNOWN = "(unknown)"
"""Stands for every task that is not registered: names from outside must not make series without end."""


class Series:
    """Of one task on one queue."""

    __slots__ = ("cut", "ended", "endings", "given_back", "lost", "ran", "received", "refused", "run_time", "shown", "wait", "wait_time")

    def __init__(self) -> None:
        self.received = self.given_back = self.ended = self.cut = self.lost = 0
        self.endings = [0] * len(Ending)
        self.refused = [0] * len(Ending)
        self.ran = [0] * (len(BOUNDS) + 1)
        self.run_time = 0.0
        self.wait = [0] * (len(BOUNDS) + 1)
        self.wait_time = 0.0
        self.shown = [0, 0]
        """What scrapes were told of received and started tasks, which must never become less."""


class Counts:
    """What a worker has seen since its consumer began."""

    def __init__(self, tasks: Collection[str]) -> None:
        self._tasks = tasks
        self.series: dict[tuple[str, str], Series] = {}
        self.redelivered: dict[str, int] = {}
        self.dead: dict[str, int] = {}
        """Dead letters by queue."""
        self._lock = threading.Lock()
        self._receiving = threading.Lock()
        """Jobs come from the broker and, where successors begin in a task process, from there."""
        self._above = ("", 0.0)

    def of(self, name: str, queue: str) -> Series:
        """Return the counts of a task on a queue."""
        found = self.series.get((name, queue))
        if found is None:
            with self._lock:
                found = self.series.setdefault((name if name in self._tasks else UNKNOWN, queue), Series())
        return found

    def received(self, jobs: Iterable[Job]) -> None:
        """These have come and will run."""
        with self._receiving:
            self._received(jobs)

    def _received(self, jobs: Iterable[Job]) -> None:
        known = self.series
        for job in jobs:
            delivery = job.delivery
            queue = delivery.queue
            headers = delivery.envelope.headers
            name = headers.get("task", "")
            series = known.get((name, queue)) or self.of(name, queue)
            series.received += 1
            if delivery.redelivered:
                self.redelivered[queue] = self.redelivered.get(queue, 0) + 1
            elif (since := self._since(headers)) is not None:
                waited = job.received - since
                if waited < 0.0:
                    waited = 0.0
                series.wait[bisect_left(BOUNDS, waited)] += 1
                series.wait_time += waited

    def _since(self, headers: dict[str, Any]) -> float | None:
        """Return since when a message could have run (epoch seconds): its eta, when it was sent, or when its id was made; None if nothing tells."""
        eta, sent = headers.get("eta"), headers.get(SENT)
        if eta:
            return _parsed(eta)
        if sent is not None:
            return float(sent) if isinstance(sent, (float, int)) else None
        name = headers.get("id", "")
        # Version 7 ids begin with the milliseconds at which they were made; what is above 65 of their seconds is the same in most.
        if len(name) != 36 or name[14] != "7":
            return None
        try:
            if name[:8] != self._above[0]:
                self._above = name[:8], int(name[:8], 16) * 65.536
            return self._above[1] + int(name[9:13], 16) / 1000.0
        except ValueError:
            return None

    def given_back(self, jobs: Iterable[Job]) -> None:
        """These have not begun and will not begin here, unless they come again."""
        with self._lock:
            for job in jobs:
                self._of(job.delivery).given_back += 1

    def refused(self, delivery: Delivery, effects: Effects) -> None:
        """This one will not run."""
        if effects.ending:
            with self._lock:
                self._of(delivery).refused[effects.ending] += 1
        if effects.settlement is not None and effects.settlement.verdict is Verdict.REJECT:
            self.set_aside(delivery.queue)

    def ended(self, jobs: Sequence[Job], writes: Sequence[Writes], times: Sequence[float]) -> None:
        """These have ended, after so many seconds."""
        known = self.series
        for job, wrote, seconds in zip(jobs, writes, times):
            delivery = job.delivery
            name = delivery.envelope.headers.get("task", "")
            series = known.get((name, delivery.queue)) or self.of(name, delivery.queue)
            series.endings[wrote.ending] += 1
            if job.lost is None:
                series.ended += 1
                series.ran[bisect_left(BOUNDS, seconds)] += 1
                series.run_time += seconds
            if wrote.ending != Ending.SUCCEEDED and wrote.settlement is not None and wrote.settlement.verdict is Verdict.REJECT:
                self.set_aside(delivery.queue)

    def cut_off(self, jobs: Iterable[Job], *, lost: bool) -> None:
        """These were running when their process ended; ``lost`` when nobody had meant that."""
        with self._lock:
            for job in jobs:
                series = self._of(job.delivery)
                series.cut += 1
                series.lost += lost

    def concluded(self, job: Job, effects: Effects) -> None:
        """This one was ended from outside, and that is its end."""
        self.refused(job.delivery, effects)

    def set_aside(self, queue: str) -> None:
        """A message went to the dead letters."""
        with self._lock:
            self.dead[queue] = self.dead.get(queue, 0) + 1

    def _of(self, delivery: Delivery) -> Series:
        name = delivery.envelope.headers.get("task", "")
        name = name if name in self._tasks else UNKNOWN
        found = self.series.get((name, delivery.queue))
        if found is None:
            found = self.series[name, delivery.queue] = Series()
        return found


def _parsed(eta: Any) -> float | None:
    try:
        return parse_time(str(eta))
    except InvalidTaskError:
        return None
