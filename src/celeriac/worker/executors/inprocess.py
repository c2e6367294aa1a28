"""What executors that live in one process share: they reach the broker, say that they are ready, work, and leave in good order."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from celeriac import signals
from celeriac.lib.clock import Clock
from celeriac.lib.signpost import reach
from celeriac.model.effects import Job
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.worker.executors.contract import Executor
from celeriac.worker.hearing import hear
from celeriac.worker.parts import Parts, Station
from celeriac.worker.place import InsidePlace
from celeriac.worker.shutdown import Ladder, Phase, Shutdown, announcer

logger = logging.getLogger("celeriac.worker")

STOPPED = "the worker was stopped while it waited for the broker"
COLD = "the worker was shut down cold while the store was away"


class InProcess(Executor):
    """One process for everything; may be run in a thread of a program that does other things, and then hears no signals."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        self.parts = parts
        self.clock = clock
        self.places = parts.options.concurrency
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.shutdown = Shutdown(clock, Ladder.of(parts.app.conf), announcer(parts.options.hostname), lambda: bool(self.in_hand()))
        self._stopping = threading.Event()
        self._station: Station | None = None

    def run(self) -> int:
        """Work until ``stop`` or a signal; return the exit status."""
        # Green libraries deceive about which thread is the main one; the interpreter itself refuses handlers in any other.
        with contextlib.suppress(ValueError):
            self.hear_signals()
        self.parts.start_monitor("worker")
        try:
            station = self._station = Station(self.parts, self._pause)
        except (ImproperlyConfigured, OperationalError) as error:
            logger.critical("%s", error)
            return 1
        self._warn_of_limits()
        try:
            self._get_ready(station)
            self.work(station)
        except ImproperlyConfigured as error:
            logger.critical("%s", error)
            return 1
        finally:
            self.ended.set()
            self._leave(station)
        self.restart = self.shutdown.restarts
        return 1 if self.shutdown.phase is Phase.COLD else 0

    @abstractmethod
    def work(self, station: Station) -> None:
        """Run jobs until the shutdown is complete; on return everything that has ended is in the outbox."""

    @abstractmethod
    def in_hand(self) -> list[tuple[Job, float]]:
        """Return the jobs that run, each with the time (monotonic seconds) at which it began; for any thread."""

    resize: Callable[[int], None] | None = None
    """Run so many jobs side by side; for any thread. None: the size is fixed."""

    end_jobs: Callable[[Sequence[Job], int], Sequence[Job]] | None = None
    """End running jobs, as a signal would; return those that can be ended. For any thread. None: they cannot."""

    def hear_signals(self) -> None:
        """Let signals reach ``self.shutdown``."""
        self.shutdown.install()

    def stop(self) -> None:
        """Finish what runs, then end; for any thread."""
        self._stopping.set()
        self.shutdown.ask()
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits in the broker."""
        if self._station is not None:
            self._station.broker.wake()

    def _leave(self, station: Station) -> None:
        try:
            station.intake.give_back()
            station.leave(cold=self.shutdown.phase is Phase.COLD)
        except OperationalError as error:
            if self.shutdown.phase is not Phase.COLD:
                raise
            logger.error("Could not leave in good order: %s. What this worker holds comes back when its lease runs out.", error)
        signals.worker_process_shutdown.send(sender=self.parts.options.hostname, pid=os.getpid(), exitcode=0)
        signals.worker_shutdown.send(sender=self)
        self.parts.log.flush()

    def _get_ready(self, station: Station) -> None:
        kind = f"{type(self).__module__}:{type(self).__name__}"
        hear(self.parts, station, InsidePlace(kind, self.places, self.in_hand, self.stop, self.clock, self.resize, self.end_jobs))
        station.duties.start()
        logger.info("%s ready.", self.parts.options.hostname)
        signals.worker_process_init.send(sender=self.parts.options.hostname)
        signals.worker_ready.send(sender=self)
        reach("worker.ready")
        self.ready.set()

    def _pause(self, seconds: float) -> None:
        """Wait before the store is tried again; give up when that would be waited for in vain."""
        if not self.ready.is_set():
            if self._stopping.wait(seconds):
                raise OperationalError(STOPPED)
            return
        time.sleep(seconds)
        if self.shutdown.phase is Phase.COLD:
            raise OperationalError(COLD)

    def can_limit(self, task: Any, option: str) -> bool:
        """Whether this executor can keep ``time_limit`` or ``soft_time_limit`` of a task."""
        return self.hard_limits if option == "time_limit" else self.soft_limits

    def _warn_of_limits(self) -> None:
        """Name the tasks whose time limits this executor cannot keep, and a guard over processes that it does not have."""
        if self.parts.app.conf.worker_memory_guard:
            logger.warning("worker_memory_guard has no effect here: the executor %r has no task processes.", self.parts.options.pool)
        for option in ("time_limit", "soft_time_limit"):
            named = sorted(name for name, task in self.parts.app.tasks.items() if getattr(task, option) and not self.can_limit(task, option))
            if named:
                logger.warning(
                    "The executor %r cannot keep the %s of %s: they may run for any time. The executor 'prefork' can.",
                    self.parts.options.pool, option, ", ".join(named),
                )  # fmt: skip
