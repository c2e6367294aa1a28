"""The prefork executor: a supervisor, a consumer, and task processes."""

from __future__ import annotations

import gc
import logging
import signal
import threading

from celeriac.lib.clock import Clock
from celeriac.lib.importing import symbol_by_name
from celeriac.worker.crew import Crew, Shared
from celeriac.worker.deadlines import Deadlines
from celeriac.worker.executors.contract import Executor
from celeriac.worker.parts import Parts
from celeriac.worker.shutdown import Shutdown, announcer
from celeriac.worker.starting import Forked, Starter
from celeriac.worker.supervisor import Supervisor

logger = logging.getLogger("celeriac.worker")


class Prefork(Executor):
    """The supervisor's side; the others are ``Crew``."""

    soft_limits = hard_limits = True

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self._parts = parts
        self._clock = clock
        self._shared = Shared(parts.options.concurrency, parts.options.capacity)

    def run(self) -> int:
        """Be the supervisor; return the worker's exit status."""
        parts, shared = self._parts, self._shared
        starter = self._starter()
        shutdown = Shutdown(self._clock, parts.app.conf.worker_shutdown_timeout, announcer(parts.options.hostname))
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
            consumer=lambda generation: starter.start("consumer", generation),
            task_process=lambda index: starter.start("task process", index),
            reap=starter.reap,
            wakeup=shared.wakeup,
            clock=self._clock,
        )
        return supervisor.run()

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
