"""The prefork executor: a supervisor, a consumer, and task processes."""

from __future__ import annotations

import gc
import logging
import signal
import threading

from celeriac import signals
from celeriac.lib.clock import Clock
from celeriac.lib.importing import symbol_by_name
from celeriac.worker.crew import Crew, Shared, child_limits
from celeriac.worker.deadlines import Deadlines
from celeriac.worker.executors.contract import Executor
from celeriac.worker.machine import machine
from celeriac.worker.memory_guard import MemoryGuard
from celeriac.worker.packets import LOOK, Packet, encode
from celeriac.worker.parts import Parts
from celeriac.worker.shutdown import Ladder, Shutdown, announcer
from celeriac.worker.slots import Slot
from celeriac.worker.starting import Forked, Starter
from celeriac.worker.supervisor import Supervisor

logger = logging.getLogger("celeriac.worker")


class Prefork(Executor):
    """The supervisor's side; the others are ``Crew``."""

    soft_limits = hard_limits = True

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self._parts = parts
        self._clock = clock
        self._shared = Shared(parts.options.concurrency, parts.options.capacity, parts.listener)

    def run(self) -> int:
        """Be the supervisor; return the worker's exit status."""
        parts, shared = self._parts, self._shared
        starter = self._starter()
        ladder, busy = Ladder.of(parts.app.conf), lambda: any(slot.packet for slot in shared.slots.all())
        shutdown = Shutdown(self._clock, ladder, announcer(parts.options.hostname), busy)
        shutdown.install()
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(shared.wakes, warn_on_full_buffer=False)
        supervisor = Supervisor(
            slots=shared.slots,
            jobs=shared.jobs,
            control=shared.control,
            requests=shared.requests,
            shutdown=shutdown,
            deadlines=Deadlines(shared.slots, self._clock),
            guard=self._memory_guard(),
            loads=shared.loads,
            consumer=lambda generation: starter.start("consumer", generation),
            task_process=lambda index: self._start_task_process(starter, index),
            reap=starter.reap,
            wakeup=shared.wakeup,
            clock=self._clock,
        )
        status = supervisor.run()
        self.restart = shutdown.restarts
        return status

    def _start_task_process(self, starter: Starter, index: int) -> int:
        signals.worker_before_create_process.send(sender=self)
        return starter.start("task process", index)

    def _memory_guard(self) -> MemoryGuard:
        bound, (_, idle) = self._parts.app.conf.worker_memory_guard, child_limits(self._parts)
        if bound and not machine().process_memory:
            logger.warning("worker_memory_guard has no effect here: this platform does not tell the memory of another process (/proc).")
        return MemoryGuard(self._shared.slots, bound=bound, idle=idle, let_leave=self._let_leave, clock=self._clock)

    def _let_leave(self, slot: Slot) -> None:
        """Let an idle process leave; whichever takes the packets that wake it."""
        slot.let_leave()
        for _ in range(self._shared.slots.count):
            self._shared.jobs.try_send(encode(Packet(LOOK, ())))

    def _starter(self) -> Starter:
        method = self._parts.options.start_method
        if method == "fork":
            _warn_of_threads()
            # What was made until now is shared by all processes: the collector must not touch, and so copy, it.
            gc.collect()
            gc.freeze()
            return Forked(Crew(self._parts, self._shared, self._clock))
        # By name: it needs multiprocessing, which workers that fork do without.
        fresh: Starter = symbol_by_name("celeriac.worker.fresh:Fresh")(self._parts, self._shared, method)
        return fresh


def _warn_of_threads() -> None:
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if others:
        logger.warning(
            "Importing the application started threads (%s). They do not exist in task processes, and a lock that one of them holds stays locked "
            "there: start threads in a worker_process_init handler instead, or let task processes begin afresh: --pool-start-method spawn.",
            ", ".join(others),
        )
