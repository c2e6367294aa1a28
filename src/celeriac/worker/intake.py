"""From the broker to jobs: fetch, and refuse what must not run."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from celeriac.contracts.broker import Broker, Leases, RemembersBegun
from celeriac.engine.refusals import Gate, admit, revoked_since
from celeriac.lib.signpost import reach
from celeriac.model.effects import Effects, Job, Writes
from celeriac.model.envelope import Delivery, Settlement, Verdict
from celeriac.model.errors import OperationalError
from celeriac.worker.finished import Finished
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.counts import Counts
from celeriac.worker.outbox import Outbox
from celeriac.worker.queue_order import Fair, QueueOrder

logger = logging.getLogger("celeriac.worker")

_PAUSE = 0.5
_FARTHEST = 256
"""The most messages that are fetched at once in order to find one that may run."""


class Intake:
    """Fetches deliveries and keeps, in order, the jobs that are to run and have not been handed out."""

    def __init__(
        self, broker: Broker, gate: Gate, outbox: Outbox, encode: Callable[[Effects], Writes], queues: Sequence[str],
        order: QueueOrder | None = None, contact: Contact | None = None, counts: Counts | None = None,
    ) -> None:  # fmt: skip
        self._broker = broker
        self._gate = gate
        self._outbox = outbox
        self._encode = encode
        self.queues = list(queues)
        self._ready: deque[Job] = deque()
        self._order = order or Fair()
        self.cancelled = False
        """Whether there are queues of which this worker has fetched, and is not to any more."""
        self._asked: list[str] = []
        self._reach = 1
        self.contact = contact or Contact(gate.clock)
        self.counts = counts
        self._remembers = isinstance(broker, RemembersBegun)
        self._begin = Verdict.BEGIN if self._remembers else Verdict.ACK
        self._begins: Callable[[Delivery], bool] = broker.begins if isinstance(broker, RemembersBegun) else lambda delivery: False
        self.finished: Finished | None = None
        """Recognises what comes again although its outcome is stored."""
        self.received: Callable[[Sequence[Job]], object] | None = None
        """Is told of the jobs of each fetch, while events are on."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ready)

    def fetch(self, limit: int, wait: float) -> int:
        """Fetch up to ``limit`` messages, waiting up to ``wait`` seconds for the first; return how many there were."""
        queues = self._asked = self.queues
        try:
            with self.contact.call("fetch", wait):
                deliveries = self._order.fetch(self._broker, queues, min(limit * self._reach, max(limit, _FARTHEST)), wait)
        finally:
            self._asked = []
        if not deliveries:
            return 0
        reach("consumer.fetched")
        jobs: list[Job] = []
        refused: list[Writes] = []
        fresh: Sequence[Delivery] = deliveries
        if self.finished is not None:
            fresh, refused = self._sift(self.finished, deliveries)
        for delivery in fresh:
            verdict = admit(delivery, self._gate)
            if isinstance(verdict, Job):
                jobs.append(verdict)
            else:
                refused.append(self._encode(verdict))
                if self.counts is not None:
                    self.counts.refused(delivery, verdict)
        if self.counts is not None:
            self.counts.received(jobs)
        # Where everything that was fetched had to be put aside, what may run stands behind it: look farther.
        self._reach = self._reach * 2 if not jobs and self._reach < _FARTHEST else self._reach if not jobs else 1
        if self._gate.events and self.received is not None and jobs:
            self.received(jobs)
        with self._lock:
            self._ready.extend(jobs)
        if refused:
            self._outbox.flush(*refused)
        return len(deliveries)

    def joined(self, jobs: Sequence[Job]) -> None:
        """Take note of jobs that task processes have begun by themselves."""
        if self.counts is not None:
            self.counts.received(jobs)
        if self._gate.events and self.received is not None:
            self.received(jobs)

    def _sift(self, finished: Finished, deliveries: Sequence[Delivery]) -> tuple[Sequence[Delivery], list[Writes]]:
        try:
            return finished.sift(deliveries)
        except OperationalError as error:
            # What cannot be looked up is not run on a guess: it comes again.
            logger.warning("consumer: Cannot learn whether redelivered messages are done: %s. They go back.", error)
            self._outbox.pause(_PAUSE)
            left = [delivery for delivery in deliveries if not delivery.redelivered]
            back = [delivery for delivery in deliveries if delivery.redelivered]
            return left, [Writes(settlement=Settlement(Verdict.REQUEUE, each.tag, each.queue, untouched=True)) for each in back]

    def put_first(self, jobs: Sequence[Job]) -> None:
        """Let jobs be the next to be handed out, in their order."""
        with self._lock:
            self._ready.extendleft(reversed(jobs))

    def take(self, pack: Callable[[Sequence[Job]], list[list[Job]]]) -> list[list[Job]]:
        """Take the first jobs, divided into packets by ``pack``."""
        if self._gate.revoked:
            self.drop_revoked()
        with self._lock:
            packets = pack(list(self._ready))
            for _ in range(sum(map(len, packets))):
                self._ready.popleft()
        return packets

    def cancel(self, queue: str, patience: float) -> None:
        """Fetch from a queue no more; waits up to ``patience`` seconds for a fetch that has begun."""
        self.cancelled = True
        self.queues = [name for name in self.queues if name != queue]
        self._broker.wake()
        deadline = time.monotonic() + patience
        while queue in self._asked and time.monotonic() < deadline:
            time.sleep(0.001)

    def jobs(self) -> list[Job]:
        """Return the jobs that have not been handed out."""
        with self._lock:
            return list(self._ready)

    def drop_revoked(self) -> None:
        """Sort out the jobs that were revoked after they had been admitted."""
        with self._lock:
            kept: list[Job] = []
            refused: list[Effects] = []
            for job in self._ready:
                effects = revoked_since(job, self._gate)
                if effects is None:
                    kept.append(job)
                else:
                    refused.append(effects)
                    if self.counts is not None:
                        self.counts.refused(job.delivery, effects)
            if refused:
                self._ready = deque(kept)
        if refused:
            self._outbox.flush(*map(self._encode, refused))

    def acknowledge(self, jobs: Sequence[Job]) -> list[Job]:
        """Write the acknowledgements of those jobs that may run at most once, with the outcomes that wait; return the jobs, marked.

        Jobs that were given to others in the meantime, because this worker could not renew its lease, are left out.
        """
        acks: list[Writes] = []
        marked: list[Job] = []
        for job in jobs:
            if job.acked or self._gate.late(job):
                marked.append(job)
            else:
                delivery = job.delivery
                if not self._begins(delivery):
                    acks.append(Writes(settlement=Settlement(self._begin, delivery.tag, delivery.queue)))
                marked.append(job.replace(acked=True, begun=self._remembers))
        if acks:
            self._outbox.flush(*acks)
        reach("consumer.acked")
        return self._still_ours(jobs, marked)

    def _still_ours(self, jobs: Sequence[Job], marked: list[Job]) -> list[Job]:
        """Leave out what was not acknowledged before and was fetched so long ago that the lease may have run out, if it has."""
        broker, now = self._broker, self._gate.clock.now()
        if not isinstance(broker, Leases):
            return marked
        age = max((now - job.received for job in jobs if not job.acked), default=0.0)
        if age < broker.lease / 2 or not self._taken_away(broker, age):
            return marked
        kept = [after for before, after in zip(jobs, marked) if before.acked]
        logger.warning("consumer: %d tasks are left to other workers: this one was cut off for longer than its lease.", len(jobs) - len(kept))
        return kept

    def _taken_away(self, broker: Leases, seconds: float) -> bool:
        while True:
            try:
                with self.contact.call("settle"):
                    return broker.taken_away(seconds)
            except OperationalError as error:
                logger.warning("consumer: Cannot learn what became of the lease: %s. Trying again in %.1fs.", error, _PAUSE)
                self._outbox.pause(_PAUSE)

    def give_back(self) -> None:
        """Return every job that has not been handed out to the broker, as if it had not been fetched.

        Jobs whose message has been acknowledged stay: nobody else could run them.
        """
        with self._lock:
            jobs = list(self._ready)
            self._ready.clear()
            self._ready.extend(job for job in jobs if job.acked or job.lost)
        back = [job for job in jobs if not (job.acked or job.lost)]
        if self.counts is not None and back:
            self.counts.given_back(back)
        self._outbox.flush(*map(untouched, back))


def untouched(job: Job) -> Writes:
    """Return the writes that put a job's message back as if it had never been fetched."""
    return Writes(settlement=Settlement(Verdict.REQUEUE, job.delivery.tag, job.delivery.queue, untouched=True))
