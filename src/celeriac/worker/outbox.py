"""What waits to be written: the effects of finished jobs, and the acknowledgements of those about to begin."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from celeriac.contracts.settler import BodyOf, Settler
from celeriac.lib.backoff import exponential
from celeriac.lib.clock import SystemClock
from celeriac.lib.signpost import reach
from celeriac.model.effects import Writes
from celeriac.model.envelope import Settlement, Verdict
from celeriac.model.errors import OperationalError
from celeriac.model.event import Event
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.counts import Counts

logger = logging.getLogger("celeriac.worker.outbox")


class Outbox:
    """Collects writes from any thread and flushes all of them in one batch; while one flush runs the next batch gathers."""

    def __init__(
        self, settler: Settler, body_of: BodyOf, pause: Callable[[float], object], contact: Contact | None = None, counts: Counts | None = None
    ) -> None:
        self._settler = settler
        self._contact = contact or Contact(SystemClock())
        self._counts = counts
        self._body_of = body_of
        self.pause = pause
        """Waits so many seconds; raises OperationalError when there is no time left to wait."""
        self.tell: Callable[[Sequence[Event]], object] | None = None
        """Is given the events of what was written."""
        self.took: Callable[[float], object] = lambda seconds: None
        """Is told how long (seconds) each write took that succeeded at once."""
        self._waiting: list[Writes] = []
        self._gate = threading.Lock()
        self._flushing = threading.Lock()

    def add(self, writes: Sequence[Writes]) -> None:
        """Let writes wait for the next flush."""
        with self._gate:
            self._waiting.extend(writes)

    def waiting(self) -> list[Writes]:
        """Return what waits."""
        with self._gate:
            return list(self._waiting)

    def flush(self, *more: Writes) -> None:
        """Write everything that waits, and ``more``; returns when it is stored, however long the store is away."""
        with self._flushing:
            with self._gate:
                batch = [*self._waiting, *more]
                self._waiting.clear()
            if batch:
                reach("consumer.flushing")
                self._write(batch)
                reach("consumer.flushed")
                self._tell_events(batch)

    def _tell_events(self, batch: list[Writes]) -> None:
        if self.tell is not None:
            events = [event for writes in batch for event in writes.events]
            if events:
                self.tell(events)

    def _write(self, batch: list[Writes]) -> None:
        attempt, begun = 0, time.monotonic()
        while True:
            try:
                with self._contact.call("settle"):
                    self._settler.flush(batch, self._body_of)
                if not attempt:
                    self.took(time.monotonic() - begun)
                return
            except OperationalError as error:
                seconds = exponential(attempt, factor=0.1, maximum=2.0)
                logger.warning("Cannot write the outcome of %d tasks: %s. Trying again in %.1fs.", len(batch), error, seconds)
                self.pause(seconds)
                attempt += 1
            except Exception:
                self._write_one_by_one(batch)
                return

    def _write_one_by_one(self, batch: list[Writes]) -> None:
        """One value that the store refuses must not hold back the others: its message goes to the dead letters."""
        if len(batch) > 1:
            for writes in batch:
                self._write([writes])
            return
        settlement = batch[0].settlement
        logger.exception("The store refuses the outcome of a task; its message is set aside.")
        if settlement is not None and settlement.verdict is not Verdict.REJECT:
            aside = Settlement(Verdict.REJECT, settlement.tag, settlement.queue, reason="the store refused the task's outcome (see the worker's log)")
            self._write([Writes(settlement=aside)])
            if self._counts is not None:
                self._counts.set_aside(settlement.queue)
