"""The worker of a test: the engine and the broker side of a real one, one message at a time, in the thread that asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NoReturn

from celeriac.drivers.memory.store import MessageStore
from celeriac.engine.attempt import run
from celeriac.lib.coroutines import run_coroutine
from celeriac.lib.value import Value
from celeriac.model import states
from celeriac.model.effects import Job, Writes
from celeriac.model.envelope import Envelope
from celeriac.model.errors import InvalidTaskError, NotRegistered, OperationalError, TaskRevokedError
from celeriac.testing.clock import Ended, VirtualClock
from celeriac.worker.logs import LineLog
from celeriac.worker.options import WorkerOptions
from celeriac.worker.parts import Parts, Station
from celeriac.worker.performing import encoded, interrupted, timed_out

HOSTNAME = "celery@testing"


class Run(Value, frozen=True):
    """What became of one message."""

    task: str
    id: str
    state: str
    """SUCCESS, FAILURE, RETRY, REVOKED (expired too), IGNORED or REJECTED."""
    value: Any
    """What the task returned, or the exception."""
    queue: str
    at: float
    """When it ended (epoch seconds of the virtual clock)."""


class NotingLog(LineLog):
    """The worker's log, which also keeps how the last message ended: its task's name and id, the state, and the value or error."""

    ended: tuple[str, str, str, Any] | None = None

    def forget(self) -> None:
        """The next message begins."""
        self.ended = None

    def succeeded(self, name: str, id: str, runtime: float, value: Any) -> None:
        super().succeeded(name, id, runtime, value)
        self.ended = (name, id, states.SUCCESS, value)

    def failed(self, name: str, id: str, error: BaseException, traceback: str, runtime: float, expected: bool) -> None:
        super().failed(name, id, error, traceback, runtime, expected)
        self.ended = (name, id, states.FAILURE, error)

    def retried(self, name: str, id: str, reason: BaseException, traceback: str) -> None:
        super().retried(name, id, reason, traceback)
        self.ended = (name, id, states.RETRY, reason)

    def ignored(self, name: str, id: str) -> None:
        super().ignored(name, id)
        self.ended = (name, id, states.IGNORED, None)

    def rejected(self, name: str, id: str, reason: Any, requeue: bool) -> None:
        super().rejected(name, id, reason, requeue)
        self.ended = (name, id, states.REJECTED, reason)

    def revoked(self, name: str, id: str, reason: str) -> None:
        super().revoked(name, id, reason)
        self.ended = (name, id, states.REVOKED, TaskRevokedError(reason))

    def unknown(self, name: str, id: str, envelope: Envelope) -> None:
        super().unknown(name, id, envelope)
        self.ended = (name, id, states.FAILURE, NotRegistered(name))

    def malformed(self, reason: str, envelope: Envelope) -> None:
        super().malformed(reason, envelope)
        self.ended = ("", str(envelope.headers.get("id", "")), states.FAILURE, InvalidTaskError(reason))


class Bench:
    """Takes messages from a store, in their order, and runs them."""

    def __init__(self, app: Any, store: MessageStore, clock: VirtualClock) -> None:
        conf = app.conf
        options = WorkerOptions(hostname=HOSTNAME, pool="solo", time_limit=conf.task_time_limit, soft_time_limit=conf.task_soft_time_limit)
        self.busy = 0
        """How many tasks run, one inside the other."""
        self._clock = clock
        self._parts = parts = Parts(app, options, clock)
        self._log = parts.log = NotingLog(app, options)
        self._store = store
        # Nothing of it is started: it has no threads, and hears no commands.
        station = self._station = Station(parts, _never)
        self._outbox, self._intake, self._gate = station.outbox, station.intake, station.gate
        self._known = len(app.tasks)
        self._tools = parts.tools(lambda effects: self._outbox.flush(parts.encode(effects)))
        self._tools.run_coroutine = run_beside

    def queues(self) -> list[str]:
        """Return the queues into which anything was ever sent, the first first."""
        return list(self._store.lines)

    def next_due(self, queues: Sequence[str] | None = None) -> float | None:
        """Return when the next delayed message is due (epoch seconds), or None."""
        with self._store.lock:
            return self._store.next_due(self.queues() if queues is None else queues)

    def run_next(self, queues: Sequence[str] | None = None) -> Run | None:
        """Run the next message that is due, or refuse it as a worker would; None when there is none."""
        intake = self._intake
        intake.queues = self.queues() if queues is None else list(queues)
        self._station.revocations.sync()
        self._learn_tasks()
        while True:
            self._log.forget()
            if not intake.fetch(1, 0.0):
                return None
            packets = intake.take(lambda jobs: [list(jobs[:1])] if jobs else [])
            # A fetch may bring more, where what came first was put off.
            intake.give_back()
            jobs = intake.acknowledge(packets[0]) if packets else []
            if jobs:
                return self._perform(jobs[0])
            if self._log.ended is not None:
                return self._run_of("")

    def _learn_tasks(self) -> None:
        """Take notice of tasks that a test has added: a worker reads their rate limits when it starts."""
        if self._known != len(self._parts.app.tasks):
            self._known = len(self._parts.app.tasks)
            rates = self._parts.gate().rates
            rates.store, self._gate.rates = self._gate.rates.store, rates

    def _perform(self, job: Job) -> Run:
        outer = self._log.ended
        self._log.forget()
        self.busy += 1
        try:
            writes = self._writes_of(job)
        except BaseException:
            self._outbox.flush(interrupted(job, self._gate, self._parts.encode))
            raise
        finally:
            self.busy -= 1
        made = self._run_of(job.delivery.queue)
        self._log.ended = outer
        self._outbox.flush(writes)
        self._log.flush()
        return made

    def _run_of(self, queue: str) -> Run:
        name, id, state, value = self._log.ended or ("", "", states.IGNORED, None)
        return Run(name, id, state, value, queue, self._clock.now())

    def _writes_of(self, job: Job) -> Writes:
        tools, encode = self._tools, self._parts.encode
        hard, soft = self._parts.limits.of(job)
        try:
            with self._clock.limits(soft, hard):
                effects = run(job, tools)
        except Ended:
            return timed_out(job, hard or 0.0, tools, encode)
        return encoded(job, effects, tools, encode)


def run_beside(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; where this thread runs an event loop already, on a loop of its own in a thread that ends with it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run_coroutine(coroutine)
    context = copy_context()
    with ThreadPoolExecutor(1, "celeriac-testing") as threads:
        return threads.submit(context.run, asyncio.run, coroutine).result()


def _never(seconds: float) -> NoReturn:
    raise OperationalError("The store in memory is never away")
