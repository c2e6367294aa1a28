"""What the gevent and eventlet executors share: runners are green threads, because the library has patched ``threading`` and all that waits."""

from __future__ import annotations

import contextvars
import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

from celeriac.engine.attempt import Tools
from celeriac.engine.refusals import terminated
from celeriac.lib.clock import Clock
from celeriac.lib.coroutines import run_coroutine
from celeriac.lib.early import is_patched, patch
from celeriac.model.effects import Job, Writes
from celeriac.model.errors import SoftTimeLimitExceeded, WorkerTerminate
from celeriac.model.outcome import Lost
from celeriac.worker.executors.pooled import Pooled
from celeriac.worker.loop_watch import BEAT, LoopWatch
from celeriac.worker.parts import Parts, Station
from celeriac.worker.performing import named, timed_out

logger = logging.getLogger("celeriac.worker")
request_logger = logging.getLogger("celeriac.worker.request")

_LAST_WORDS = 1.0
"""Seconds that a task is given to end after its hard limit."""


class HardLimit(WorkerTerminate):
    """Thrown into a task whose hard time limit has passed: nothing that catches ``Exception`` catches it."""


class Terminated(HardLimit):
    """Thrown into a task that remote control ends."""

    def __init__(self, signum: int) -> None:
        super().__init__(1)
        self.signum = signum


class Green(Pooled):
    """Runs each job in a green thread. Limits come to a task where it waits: one that only calculates feels none, and is reported by the log."""

    package: ClassVar[str]
    soft_limits = hard_limits = True

    def __init__(self, parts: Parts, clock: Clock) -> None:
        if not is_patched(self.package):
            logger.warning(
                "%s patches the standard library only now, after the application was imported: what that has made before does not yield. "
                "Start the worker with 'celeriac worker -P %s', or patch at the very beginning of the program.",
                self.package, self.package,
            )  # fmt: skip
            patch(self.package)
        super().__init__(parts, clock)
        self._throwing: dict[int, tuple[Tools, Callable[[BaseException], object]]] = {}
        """By a job's identity: what says that user code runs, and what throws into its green thread."""

    def end_jobs(self, jobs: Sequence[Job], signum: int) -> Sequence[Job]:
        """Throw into the tasks' green threads; one that only calculates feels it when it waits next."""
        ended = [(job, *found) for job in jobs if (found := self._throwing.get(id(job))) is not None and found[0].running]
        for job, tools, raise_in in ended:
            self.later(0.0, lambda job=job, tools=tools, raise_in=raise_in: self._throw(job, tools, raise_in, signum))  # type: ignore[misc]
        return [job for job, _, _ in ended]

    def _throw(self, job: Job, tools: Tools, raise_in: Callable[[BaseException], object], signum: int) -> None:
        if tools.running and id(job) in self._throwing:
            raise_in(Terminated(signum))

    def work(self, station: Station) -> None:
        ident, sleep = self.thread_and_sleep()
        watch = LoopWatch(ident, lambda: bool(self._running), sleep, self.clock)
        beating = threading.Thread(target=self._beat, args=(watch,), name="beat", daemon=True)
        beating.start()
        self.start_native_thread(watch.run)
        try:
            super().work(station)
        finally:
            watch.end()

    def _beat(self, watch: LoopWatch) -> None:
        while not self.ended.wait(BEAT):
            watch.beat()

    def make_tools(self) -> Tools:
        tools = super().make_tools()
        tools.run_coroutine = self._run_coroutine
        return tools

    def _run_coroutine(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """An event loop cannot be shared by green threads: a coroutine has a thread of the operating system to itself."""
        context = contextvars.copy_context()
        return self.natively(lambda: context.run(run_coroutine, coroutine))

    def perform(self, job: Job, tools: Tools) -> Writes:
        hard, soft = self.parts.limits.of(job)
        raise_here = self.raiser()
        self._throwing[id(job)] = tools, raise_here
        try:
            return self._perform_limited(job, tools, hard, soft, raise_here)
        except Terminated as ended:
            assert self._station is not None
            lost = Lost("Terminated by remote control", kind="terminated", signal=ended.signum)
            return self.parts.encode(terminated(job, lost, self._station.gate))
        finally:
            del self._throwing[id(job)]

    def _perform_limited(
        self, job: Job, tools: Tools, hard: float | None, soft: float | None, raise_here: Callable[[BaseException], object]
    ) -> Writes:
        if not (hard or soft):
            return super().perform(job, tools)
        cancels = []
        if soft:
            cancels.append(self.later(soft, lambda: self._soft(job, tools, soft, raise_here)))
        if hard:
            cancels.append(self.later(hard, lambda: self._hard(job, tools, hard, raise_here, cancels)))
        try:
            return super().perform(job, tools)
        except Terminated:
            raise
        except HardLimit:
            return timed_out(job, hard or 0.0, tools, self.parts.encode)
        finally:
            for cancel in cancels:
                cancel()

    def _soft(self, job: Job, tools: Tools, limit: float, raise_in: Callable[[BaseException], object]) -> None:
        if tools.running:
            request_logger.warning("Soft time limit (%gs) exceeded for %s", limit, named(job))
            raise_in(SoftTimeLimitExceeded())

    def _hard(
        self, job: Job, tools: Tools, limit: float, raise_in: Callable[[BaseException], object], cancels: list[Callable[[], object]]
    ) -> None:
        if tools.running:
            request_logger.error("Hard time limit (%gs) exceeded for %s", limit, named(job))
            cancels.append(self.later(_LAST_WORDS, lambda: self._give_up(job, limit)))
            raise_in(HardLimit(1))

    def _give_up(self, job: Job, limit: float) -> None:
        # Not here: this is the loop, and the task's handlers may wait.
        threading.Thread(target=self._replace_runner, args=(job, limit), daemon=True).start()

    def _replace_runner(self, job: Job, limit: float) -> None:
        """A task has caught what ended it and goes on: its place is given to others."""
        if self.give_up(job):
            logger.error("%s does not end although its hard time limit has passed; its place is given to others.", named(job))
            self._end(job, timed_out(job, limit, self.make_tools(), self.parts.encode), limit)
            self._start_runner()

    @abstractmethod
    def later(self, seconds: float, act: Callable[[], object]) -> Callable[[], object]:
        """Have ``act`` called by the loop in so many seconds; return what takes that back."""

    @abstractmethod
    def raiser(self) -> Callable[[BaseException], object]:
        """Return a function that raises an exception in the green thread which runs now; it is called by the loop."""

    @abstractmethod
    def natively(self, function: Callable[[], Any]) -> Any:
        """Run a function in a thread of the operating system and return its result; other green threads run meanwhile."""

    @abstractmethod
    def thread_and_sleep(self) -> tuple[int, Callable[[float], object]]:
        """Return the id of the operating system's thread that runs here, and its unpatched ``sleep``."""

    @abstractmethod
    def start_native_thread(self, function: Callable[[], object]) -> None:
        """Start a thread of the operating system."""
