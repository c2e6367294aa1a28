"""What the processes of one worker share, and what each of them does from its beginning."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from typing import Literal

from celeriac import signals
from celeriac.lib.clock import Clock
from celeriac.lib.signpost import reach
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.worker import breakpoints
from celeriac.worker.consumer import Consumer
from celeriac.worker.dispatch import Dispatch
from celeriac.worker.hearing import hear
from celeriac.worker.inheritance import Inheritable
from celeriac.worker.ledger import Ledger
from celeriac.worker.limits import tiredness
from celeriac.worker.loading import load_again
from celeriac.worker.packets import Channel
from celeriac.worker.parts import Parts, Station
from celeriac.worker.processes import Processes
from celeriac.worker.slots import Slots
from celeriac.worker.supervisor import FATAL
from celeriac.worker.task_process import TaskProcess

logger = logging.getLogger("celeriac.worker")

Role = Literal["consumer", "task process"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)

_SWITCH_INTERVAL = 0.0005
"""Seconds: the consumer's two threads take turns in short steps, so that neither waits long for the other's Python code."""
_COLLECT_AFTER = 50_000


class Shared:
    """Sockets and memory; made by the supervisor, had by every process by fork or by inheritance."""

    def __init__(self, count: int, capacity: int | None = None, listener: Inheritable | None = None) -> None:
        self.pid = os.getpid()
        """The supervisor."""
        self.slots = Slots(count, capacity)
        self.listener = listener
        """The socket at which scrapes and probes come in: it is there before, and outlives, any consumer."""
        self.loads: list[bytes] = []
        """What processes that begin have to load (``loading.Load``): the supervisor adds to it."""
        self.jobs = Channel()
        self.reports = Channel()
        self.control = Channel()
        self.requests = Channel()
        self._wake_read, self._wake_write = (Inheritable(descriptor) for descriptor in os.pipe())
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end.number, False)

    @property
    def wakeup(self) -> int:
        """The descriptor that the supervisor sleeps on."""
        return self._wake_read.number

    @property
    def wakes(self) -> int:
        """The descriptor whose writing wakes it."""
        return self._wake_write.number

    def wake_supervisor(self) -> None:
        """Have the supervisor look at what has changed."""
        try:
            os.write(self.wakes, b"\0")
        except BlockingIOError:
            return


class Crew:
    """Knows how each process begins, once the application is there."""

    def __init__(self, parts: Parts, shared: Shared, clock: Clock) -> None:
        self._parts = parts
        self._shared = shared
        self._clock = clock

    def play(self, role: Role, number: int) -> int:
        """Be a consumer (the ``number``-th of this worker) or task process ``number``; return the exit status."""
        ignore_signals()
        load_again(self._parts.app, self._shared.loads)
        return self._consume(number) if role == "consumer" else self._run_tasks(number)

    def _consume(self, generation: int) -> int:
        reach("consumer.started")
        sys.setswitchinterval(_SWITCH_INTERVAL)
        # Values come and go in batches here and make no cycles: collecting after every 700 of them is time lost.
        gc.set_threshold(_COLLECT_AFTER)
        parts, shared = self._parts, self._shared
        parts.log.in_consumer()
        parts.main_pid = shared.pid
        parts.listener = shared.listener
        parts.start_monitor("consumer", shared.slots)
        try:
            station = Station(parts, time.sleep)
        except (ImproperlyConfigured, OperationalError) as error:
            logger.critical("%s", error)
            return FATAL
        try:
            consumer = self._consumer(station, Ledger(generation))
        except ImproperlyConfigured as error:
            logger.critical("%s", error)
            station.leave()
            return FATAL
        if generation == 0:
            logger.info("%s ready.", parts.options.hostname)
            signals.worker_ready.send(sender=consumer)
        consumer.run(restarted=generation > 0)
        signals.worker_shutdown.send(sender=consumer)
        return 0

    def _consumer(self, station: Station, ledger: Ledger) -> Consumer:
        parts, shared = self._parts, self._shared
        dispatch = Dispatch(shared.jobs, ledger, parts.pace, shared.slots.count, parts.options.most_held)
        place = Processes(
            slots=shared.slots, ledger=ledger, dispatch=dispatch, intake=station.intake, jobs=shared.jobs, ask=shared.requests,
            wake_supervisor=shared.wake_supervisor, limits=parts.limits.general, max_tasks=child_limits(parts)[0], clock=self._clock,
        )  # fmt: skip
        hear(parts, station, place)
        return Consumer(
            station=station,
            dispatch=dispatch,
            ledger=ledger,
            pace=parts.pace,
            slots=shared.slots,
            jobs=shared.jobs,
            reports=shared.reports,
            control=shared.control,
            encode=parts.encode,
            flush_log=parts.log.flush,
            clock=self._clock,
        )

    def _run_tasks(self, index: int) -> int:
        parts, shared = self._parts, self._shared
        parts.log.in_task_process(index + 1, shared.slots.slot(index).keep_log)
        if shared.listener is not None:
            os.close(shared.listener.number)
        shared.jobs.close_sender()
        shared.reports.close_receiver()
        process: TaskProcess
        tools = parts.tools(lambda effects: process.say_now(effects))
        process = TaskProcess(
            slots=shared.slots,
            index=index,
            jobs=shared.jobs,
            reports=shared.reports,
            tools=tools,
            encode_effects=parts.encode,
            limits=parts.limits,
            clock=self._clock,
            wake_supervisor=shared.wake_supervisor,
            flush_log=parts.log.flush,
            tired=tiredness(*child_limits(parts)),
        )
        signal.signal(signal.SIGUSR1, process.soft_limit)
        breakpoints.listen()
        for number in _ENDING:
            signal.signal(number, process.end_if_doomed)
        signals.worker_process_init.send(sender=parts.options.hostname)
        process.serve()
        signals.worker_process_shutdown.send(sender=parts.options.hostname, pid=os.getpid(), exitcode=0)
        parts.log.flush()
        return 0


def child_limits(parts: Parts) -> tuple[int | None, int | None]:
    """Return after how many jobs, and above how much memory (KiB), a task process is replaced."""
    conf, options = parts.app.conf, parts.options
    return options.max_tasks_per_child or conf.worker_max_tasks_per_child, options.max_memory_per_child or conf.worker_max_memory_per_child


def ignore_signals() -> None:
    """Terminals and service managers signal the whole group; only the supervisor decides what that means."""
    signal.set_wakeup_fd(-1)
    for number in (*_ENDING, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
