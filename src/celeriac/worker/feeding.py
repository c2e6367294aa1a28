"""The thread of an executor in one process that fetches: it keeps as many jobs out as the executor has room for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from celeriac.lib.clock import Clock
from celeriac.model.effects import Job, Writes
from celeriac.model.errors import OperationalError
from celeriac.worker.dispatch import name_of
from celeriac.worker.intake import Intake
from celeriac.worker.monitor.contact import Pulse
from celeriac.worker.monitor.counts import Counts
from celeriac.worker.options import UNBOUND
from celeriac.worker.pace import Pace

logger = logging.getLogger("celeriac.worker")

FETCH_WAIT = 1.0
"""The longest that a fetch waits (seconds)."""

_AHEAD = 2
"""How many packets of short jobs may wait while all places are taken by jobs that end within about a millisecond."""

_FLOWING = 0.005
_LEFT_OVER = 0.1
_MOST_AT_ONCE = 1_000
_MOST_WAITING = 1_000
"""Jobs that are out beyond the free places at most, however far the broker is away."""


class Feeding:
    """Fetches, acknowledges what may run at most once, and hands jobs to ``begin``, never more than there are free places.

    While jobs are so short that a place is free again before the next could be fetched, a few more are out, so that nobody waits for the broker.
    Where that is far away and the executor lets jobs ``line_up``, as many more are out as will begin within a few round trips.
    """

    def __init__(
        self, *, intake: Intake, pace: Pace, places: int, begin: Callable[[Sequence[Job]], object], flush_log: Callable[[], object],
        wake_broker: Callable[[], object], clock: Clock, most_held: Callable[[int], int] = lambda places: UNBOUND,
        counts: Counts | None = None, pulse: Pulse | None = None, line_up: bool = False,
    ) -> None:  # fmt: skip
        self._intake = intake
        self._line_up = line_up
        self._counts = counts
        self._pulse = pulse or Pulse("fetching", clock)
        self._pace = pace
        self._places = places
        self._begin = begin
        self._flush_log = flush_log
        self._wake_broker = wake_broker
        self._clock = clock
        self._most_held = most_held
        self._out = 0
        self._last_end = 0.0
        self._changed = threading.Condition()
        self._waiting_for = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)

    @property
    def out(self) -> int:
        """How many jobs have been handed out and have not ended."""
        return self._out

    @property
    def ended(self) -> bool:
        """Whether no more jobs will come."""
        return self._stopping.is_set() and not self._thread.is_alive()

    def resize(self, places: int) -> None:
        """There are so many places now."""
        with self._changed:
            self._places = places
            self._changed.notify()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Fetch no more; returns at once."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        self._wake_broker()

    def join(self, timeout: float) -> None:
        """Wait until the last fetch has ended, for at most ``timeout`` seconds."""
        self._thread.join(timeout)

    def ended_job(self, job: Job, writes: Writes, seconds: float) -> None:
        """Note a job that has ended, with its run time (seconds)."""
        with self._changed:
            self._out -= 1
            self._last_end = self._clock.monotonic()
            self._pace.note(name_of(job), seconds)
            if self._counts is not None:
                self._counts.ended((job,), (writes,), (seconds,))
            if self._out < self._waiting_for:
                self._waiting_for = 0
                self._changed.notify()

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            self._pulse.beat()
            try:
                self._turn()
                attempt = 0
            except OperationalError as error:
                attempt += 1
                seconds = min(2.0, 0.1 * 2**attempt)
                logger.warning("consumer: Cannot fetch: %s. Trying again in %.1fs.", error, seconds)
                self._stopping.wait(seconds)
            except Exception:
                logger.exception("consumer: Fetching failed.")
                self._stopping.wait(1.0)
        self._pulse.end()

    def _turn(self) -> None:
        room = self._wait_for_room()
        if not room:
            if self._intake and self._full():
                self._intake.give_back()
            return
        if not self._intake:
            wanted = self._pace.wanted(room, self._places) if self._trip else room
            self._intake.fetch(max(1, min(wanted, _MOST_AT_ONCE, self._most_held(self._places) - self._out)), FETCH_WAIT)
            self._flush_log()
        if self._stopping.is_set():
            return
        packets = self._intake.take(self._pack)
        for packet in packets:
            self._hand_out(packet)
        if not packets and self._intake:
            self._wait_until_below(self._places)

    def _hand_out(self, jobs: list[Job]) -> None:
        marked = self._intake.acknowledge(jobs)
        with self._changed:
            self._out += len(marked)
        if marked:
            self._begin(marked)

    def _pack(self, jobs: Sequence[Job]) -> list[list[Job]]:
        """Take the first jobs for which there is room: a long one needs a free place, short ones may wait a little."""
        out, most = self._out, self._most()
        short = max(self._pace.packet_time, self._trip)
        count = 0
        for job in jobs:
            place = out + count
            if place >= most or (place >= self._places and self._pace.estimate(name_of(job)) >= short):
                break
            count += 1
        return [list(jobs[:count])] if count else []

    def _most(self) -> int:
        bound = self._most_held(self._places)
        if self._trip:
            return min(bound, self._places * self._pace.ahead, self._places + _MOST_WAITING)
        if not self._places or self._clock.monotonic() - self._last_end > _FLOWING:
            return min(self._places, bound)
        appetite = self._pace.appetite
        return min(bound, self._places if appetite < 2 else self._places + _AHEAD * appetite)

    @property
    def _trip(self) -> float:
        return self._pace.trip if self._line_up else 0.0

    def _full(self) -> bool:
        return self._out >= self._places

    def _wait_for_room(self) -> int:
        with self._changed:
            most = self._most()
            if self._out >= most:
                # Not woken by the first place that is free, while many are about to be: a fetch for one costs as much as one for many.
                self._wait_until_below(max(self._places, most - most // 4))
            return max(0, self._most() - self._out)

    def _wait_until_below(self, out: int) -> None:
        with self._changed:
            self._waiting_for = out
            if self._out >= out and not self._stopping.is_set():
                self._changed.wait(_LEFT_OVER)
