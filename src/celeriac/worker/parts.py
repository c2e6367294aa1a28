"""What every executor is put together from: the broker side of a worker."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from celeriac.app.chords import body_maker
from celeriac.config.schemes import broker_scheme
from celeriac.contracts.backend import AnswersCallers, Expires, FindsDueChords, ResultBackend
from celeriac.contracts.broker import Broker, CountsStarts, Leases, RemembersBegun, RemembersRevoked
from celeriac.contracts.settler import FinishesChords, TendsChords
from celeriac.drivers.registry import settler_for
from celeriac.drivers.two_step import TwoStep
from celeriac.engine.attempt import Tools
from celeriac.engine.rate_limit import CLUSTER, Store, per_second
from celeriac.engine.refusals import Gate
from celeriac.engine.revoked import KEPT, MOST, Revoked
from celeriac.lib.clock import Clock
from celeriac.lib.ids import uuid
from celeriac.lib.service import Service
from celeriac.lib.urls import censor
from celeriac.model.effects import Effects, Writes
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.worker.children import stands_still
from celeriac.worker.chord_repair import LOOK, ChordRepair
from celeriac.worker.duties import Duties, Duty
from celeriac.worker.finished import finished_for
from celeriac.worker.inheritance import Inheritable
from celeriac.worker.intake import Intake
from celeriac.worker.left_behind import LeftBehind
from celeriac.worker.limits import Limits
from celeriac.worker.logs import LineLog
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.counts import Counts
from celeriac.worker.monitor.monitor import Monitor
from celeriac.worker.monitor.scrape import WorkerFamilies
from celeriac.worker.options import WorkerOptions, logfile_for
from celeriac.worker.outbox import Outbox
from celeriac.worker.own_queues import own_queues, remove_broadcasts
from celeriac.worker.pace import Pace
from celeriac.worker.queue_order import queue_order
from celeriac.worker.revocations import SYNC, Revocations
from celeriac.worker.slots import Slots
from celeriac.worker.stream import EventStream

logger = logging.getLogger("celeriac.worker")

_CLEANUP = 600.0
_SAVE = 30.0
_SOON = 1.0
"""Seconds after which a worker that has begun looks after the dead: it may be in the place of one."""
_LONGEST = 120.0
"""Seconds between two looks of one worker at what many look at."""


class Parts:
    """The application, the options and what follows from them, before anything is opened."""

    def __init__(self, app: Any, options: WorkerOptions, clock: Clock, owner: str | None = None) -> None:
        self.app = app
        self.options = options
        self.clock = clock
        self.owner = owner or f"{options.hostname}/{uuid()}"
        self.log = LineLog(app, options)
        # A packet of one job is all that waits for nobody: what is not to be fetched ahead is not to wait behind another either.
        self.pace = Pace(0.0 if options.disable_prefetch else app.conf.worker_packet_time)
        self.accept = app.accept
        self.queues = own_queues(app.conf, app.queues.to_consume(options.queues, options.exclude_queues), options.hostname)
        self.queue_order = queue_order(app.conf, broker_scheme(app.conf))
        self.limits = Limits(app.tasks, options.time_limit or app.conf.task_time_limit, options.soft_time_limit or app.conf.task_soft_time_limit)
        self.encode: Callable[[Effects], Writes] = app.publisher.encode
        self.contact = Contact(clock)
        self.counts = Counts(app.tasks) if options.metrics else None
        self.listener: Inheritable | None = None
        """The socket at which scrapes and probes come in."""
        self.monitor: Monitor | None = None
        """What answers scrapes and probes, if anything does."""
        self.main_pid: int | None = None
        """The process that the user started, where another one works."""

    def start_monitor(self, role: str, slots: Slots | None = None) -> None:
        """Answer scrapes and probes from now on, if there is anything to answer at."""
        if self.listener is not None and self.counts is not None:
            about = {"hostname": self.options.hostname, "executor": self.options.pool}
            told = WorkerFamilies(self.counts, about, role, self.main_pid, slots)
            self.monitor = Monitor(self.contact, self.clock, told, self._supervisor_stands_still)
            self.monitor.start(self.listener.number)

    def _supervisor_stands_still(self) -> list[str]:
        return ["the supervisor has been stopped"] if self.main_pid is not None and stands_still(self.main_pid) else []

    def tools(self, emit: Callable[[Effects], None]) -> Tools:
        """Return what the engine needs to run jobs."""
        return Tools(
            tasks=self.app.tasks,
            client=self.app,
            clock=self.clock,
            log=self.log,
            accept=self.accept,
            hostname=self.options.hostname,
            emit=emit,
            extended=self.app.conf.result_extended,
            inherit_priority=self.app.conf.task_inherit_parent_priority,
            max_deliveries=self.app.conf.task_max_deliveries,
        )

    def gate(self) -> Gate:
        """Return what the engine needs to refuse deliveries."""
        gate = Gate(
            tasks=self.app.tasks,
            clock=self.clock,
            log=self.log,
            revoked=_memory_of_revoked(),
            max_deliveries=self.app.conf.task_max_deliveries,
            accept=self.accept,
            hostname=self.options.hostname,
        )
        for name, task in {} if self.app.conf.worker_disable_rate_limits else self.app.tasks.items():
            try:
                gate.rates.set(name, per_second(task.rate_limit), task.rate_limit_scope, task.rate_limit_key)
            except ValueError as error:
                raise ImproperlyConfigured(f"The task {name}: {error}") from None
        return gate


def _counting(broker: CountsStarts) -> Store:
    return lambda key, space, slack: broker.start(key, space=space, slack=slack)


def _refuse_shared_limits(tasks: Any, broker: Broker) -> None:
    shared = sorted(name for name, task in tasks.items() if task.rate_limit and task.rate_limit_scope == CLUSTER)
    if shared:
        raise ImproperlyConfigured(
            f"Neither the broker {type(broker).__name__} nor the result store can count the starts of all workers together, as "
            f"rate_limit_scope='cluster' of {', '.join(shared)} asks for: use one that can (sqlite, redis), or rate_limit_scope='worker'"
        )


def _memory_of_revoked() -> Revoked:
    most, kept = os.environ.get("CELERY_WORKER_REVOKES_MAX"), os.environ.get("CELERY_WORKER_REVOKE_EXPIRES")
    return Revoked(int(most) if most else MOST, float(kept) if kept else KEPT)


class Station:
    """An open broker with everything that works on it: intake, outbox, duties."""

    def __init__(self, parts: Parts, pause: Callable[[float], object]) -> None:
        self.broker, self.backend = _open(parts, pause)
        self.gate = parts.gate()
        self._settler = settler_for(self.broker, self.backend)
        self.contact, self.counts = parts.contact, parts.counts
        self.outbox = Outbox(self._settler, body_maker(parts.app), pause, self.contact, self.counts)
        self.outbox.took = parts.pace.written
        if isinstance(self._settler, TendsChords):
            self._settler.tend(body_maker(parts.app))
        self._parts = parts
        self.intake = self._intake(parts)
        statedb = parts.options.statedb
        file = None if statedb is None else logfile_for(statedb, parts.options.hostname)
        # What the broker cannot keep for all workers, the result store may.
        stores: tuple[object, ...] = (self.broker, self.backend)
        counts = next((store for store in stores if isinstance(store, CountsStarts)), None)
        if counts is not None:
            self.gate.rates.store = _counting(counts)
        else:
            _refuse_shared_limits(parts.app.tasks, self.broker)
        self.remembers = next((store for store in stores if isinstance(store, RemembersRevoked)), None)
        self.revocations = Revocations(self.gate.revoked, self.remembers, parts.clock, file)
        self.revocations.load()
        self.left_behind: LeftBehind | None = None
        if isinstance(self.broker, RemembersBegun):
            self.broker.judge(self.gate.may_run_again)
            self.left_behind = LeftBehind(self.broker, self.backend, self._settler, self.gate, self.outbox)
        self.stop_steps: Callable[..., object] = lambda cold: None
        """Ends the steps of the user's."""
        self.repeat: Callable[[bytes], object] = lambda change: None
        """Makes a change again that remote control made in a consumer which has died."""
        self.remote: Service | None = None
        """The thread that hears commands."""
        self.stream: EventStream | None = None
        """What monitors are told by."""
        self.duties = Duties(self._duties(), parts.clock)

    def _intake(self, parts: Parts) -> Intake:
        names = [queue.name for queue in parts.queues]
        intake = Intake(self.broker, self.gate, self.outbox, parts.encode, names, parts.queue_order, self.contact, self.counts)
        deduplicate = bool(parts.app.conf.worker_deduplicate_successful_tasks)
        atomic = not isinstance(self._settler, TwoStep)
        intake.finished = finished_for(self.broker, self.backend, parts.app.tasks, atomic=atomic, accept=parts.accept, successes=deduplicate)
        return intake

    def leave(self, *, cold: bool = False) -> None:
        """Let the steps end, write what waits, give up the lease, and close."""
        self.contact.stopping = True
        self.stop_steps(cold=cold)
        if self.remote is not None:
            self.remote.stop()
            self.remote.join(2.0)
        self.revocations.save()
        self.duties.stop()
        self.duties.join(5.0)
        self.outbox.flush()
        if isinstance(self._settler, TendsChords):
            self._settler.leave()
        if self.stream is not None:
            self.stream.stop()
            self.stream.join(2.0)
        if isinstance(self.broker, Leases):
            self.broker.release()
        remove_broadcasts(self.broker, self._parts.queues)
        self.broker.close()
        if self.backend is not None:
            self.backend.close()

    def _duties(self) -> list[Duty]:
        duties: list[Duty] = []
        backend: object = self.backend
        if isinstance(self.broker, Leases):
            interval = self.broker.lease / 3
            duties.append(Duty("renew the lease and look after dead workers", interval, self._tend, first=min(_SOON, interval)))
        if isinstance(backend, Expires):
            duties.append(Duty("remove expired results", _CLEANUP, backend.cleanup))
        if isinstance(backend, FindsDueChords) and not isinstance(self._settler, FinishesChords):
            repair = ChordRepair(backend, self.outbox.add, self.outbox.flush)
            duties.append(Duty("finish chords", LOOK, repair.look, shared=lambda: 1 if repair.suspects else max(2, self._share(LOOK))))
        if self.remembers is not None:
            duties.append(Duty("look for revoked tasks", SYNC, self.revocations.sync, shared=lambda: self._share(SYNC)))
        if self._parts.options.statedb is not None:
            duties.append(Duty("write the file of revoked tasks", _SAVE, self.revocations.save))
        return duties

    def _share(self, interval: float) -> float:
        """Return how many workers share a duty that one of them has to do every so often, as far as none leaves it alone for too long."""
        return min(self.broker.crowd, _LONGEST / interval) if isinstance(self.broker, Leases) else 1.0

    def _tend(self) -> None:
        if isinstance(self.broker, Leases) and (count := self.broker.tend()):
            logger.warning("consumer: Put back %d messages of a worker whose lease had run out.", count)
        if self.left_behind is not None and (jobs := self.left_behind.look()):
            self.intake.put_first(jobs)
            self.broker.wake()


def _open(parts: Parts, pause: Callable[[float], object]) -> tuple[Broker, ResultBackend | None]:
    """Reach the broker and the result store; while they are away, try again as the settings broker_connection_* say."""
    conf, attempt = parts.app.conf, 0
    retry = conf.broker_connection_retry if conf.broker_connection_retry_on_startup is None else conf.broker_connection_retry_on_startup
    while True:
        try:
            with parts.contact.call("connect"):
                broker: Broker = parts.app.open_broker(owner=parts.owner)
            broker.declare(parts.queues)
            backend = parts.app.open_backend()
            if isinstance(backend, AnswersCallers):
                backend.prepare_to_answer()
            parts.contact.connected = True
            return broker, backend
        except OperationalError as error:
            attempt += 1
            parts.contact.failed("connect", error)
            most = conf.broker_connection_max_retries
            if not retry or (most and attempt > most):
                raise
            seconds = min(32.0, 2.0 * attempt)
            logger.error(
                "consumer: Cannot connect to %s: %s. Trying again in %.2f seconds... (%d/%s)",
                censor(parts.app.broker_url), error, seconds, attempt, most or "forever",
            )  # fmt: skip
            pause(seconds)
