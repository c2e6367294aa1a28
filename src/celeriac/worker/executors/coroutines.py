"""The asyncio executor: one event loop, on which ``async def`` tasks run natively, thousands at a time; other tasks run in threads beside it.

The loop never waits for a store: one thread fetches and hands over whole batches of jobs, one writes what they come to.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from celeriac.engine.attempt import arun, conclude_lost_plain
from celeriac.engine.invoke import Fate, Interrupted
from celeriac.engine.refusals import terminated
from celeriac.lib.clock import Clock
from celeriac.lib.coroutines import Reachable
from celeriac.model.effects import Effects, Job, Writes
from celeriac.model.errors import SoftTimeLimitExceeded, WorkerShutdown, WorkerTerminate
from celeriac.model.outcome import Lost
from celeriac.worker.executors.daemon_threads import DaemonThreads
from celeriac.worker.executors.inprocess import InProcess
from celeriac.worker.feeding import Feeding
from celeriac.worker.loop_watch import BEAT, LoopWatch
from celeriac.worker.parts import Parts, Station
from celeriac.worker.performing import encoded, interrupted, named, perform, timed_out
from celeriac.worker.settling import Settling
from celeriac.worker.shutdown import Phase

logger = logging.getLogger("celeriac.worker")
request_logger = logging.getLogger("celeriac.worker.request")

_THREADS = 32
"""The most threads for tasks that are no coroutines."""

_LAST_WORDS = 1.0
"""Seconds that a cancelled coroutine is given to end."""


class Running:
    """A job whose coroutine is on the loop, or whose function runs in a thread."""

    __slots__ = ("fate", "inside", "job", "limit", "since", "task", "timers")

    def __init__(self, job: Job, since: float) -> None:
        self.job = job
        self.since = since
        self.fate = Fate()
        self.limit = 0.0
        self.task: asyncio.Task[None] | None = None
        self.inside: Reachable[Any] | None = None
        self.timers: list[asyncio.TimerHandle] = []


class Coroutines(InProcess):
    """Runs coroutines on the loop of the thread that called ``run``."""

    soft_limits = hard_limits = True

    def __init__(self, parts: Parts, clock: Clock) -> None:
        super().__init__(parts, clock)
        self._running: dict[int, Running] = {}
        self._native: dict[str, bool] = {}
        self._threads = DaemonThreads(min(self.places, _THREADS), "sync-task")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    # -- the life of the loop

    def hear_signals(self) -> None:
        super().hear_signals()
        self.shutdown.on_record = self._look_up

    def wake(self) -> None:
        super().wake()
        self._look_up()

    def _look_up(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def work(self, station: Station) -> None:
        loop = new_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve(loop, station))
            if self.shutdown.phase is not Phase.COLD:
                loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _serve(self, loop: asyncio.AbstractEventLoop, station: Station) -> None:
        self._changed = asyncio.Event()
        self._thread = threading.get_ident()
        self._loop = loop
        self._gate = station.gate
        self._tools = self.parts.tools(self._say_now)
        self._sync_tools = self.parts.tools(self._say_now)
        self._sync_tools.run_coroutine = lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result()
        self.settling = Settling(station.outbox, self.parts.log.flush)
        self.feeding = Feeding(
            intake=station.intake, pace=self.parts.pace, places=self.places, flush_log=self.parts.log.flush, wake_broker=station.broker.wake,
            begin=lambda jobs: loop.call_soon_threadsafe(self._begin, jobs), clock=self.clock, most_held=self.parts.options.most_held,
            counts=station.counts, pulse=station.contact.pulse("fetching"),
        )  # fmt: skip
        watch = LoopWatch(self._thread, lambda: bool(self._running), time.sleep, self.clock)
        threading.Thread(target=watch.run, name="loop-watch", daemon=True).start()
        self.settling.start()
        self.feeding.start()
        try:
            await self._wait_for_the_end(watch)
        finally:
            watch.end()
            self._threads.end()
        await asyncio.to_thread(self.settling.end)

    async def _wait_for_the_end(self, watch: LoopWatch) -> None:
        while not (self.feeding.ended and self.feeding.out <= 0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.05 if self.shutdown.begun else BEAT if self._running else 60.0)
            self._changed.clear()
            watch.beat()
            self.shutdown.listen()
            for phase in self.shutdown.steps(self.clock.monotonic()):
                self.feeding.stop()
                if phase not in (Phase.WARM, Phase.SOFT):
                    await self._cancel_everything()
                    return

    async def _cancel_everything(self) -> None:
        """Cold: coroutines are cancelled and may say their last words; what ends then by itself counts, the rest is interrupted."""
        await asyncio.to_thread(self.feeding.join, _LAST_WORDS)
        await asyncio.sleep(0)
        for running in list(self._running.values()):
            if running.task is not None:
                self._cancel(running, Lost("The worker was shut down cold"))
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORDS)
        for running in list(self._running.values()):
            self._end(running, interrupted(running.job, self._gate, self.parts.encode))

    def resize(self, count: int) -> None:
        """Run so many jobs side by side."""
        self.places = count
        self._threads.resize(min(count, _THREADS))
        self.feeding.resize(count)

    def end_jobs(self, jobs: Sequence[Job], signum: int) -> Sequence[Job]:
        """Cancel coroutines; what runs in a thread cannot be ended, and is said so in the log."""
        wanted = {id(job) for job in jobs}
        ended: list[Job] = []
        for running in list(self._running.values()):
            if id(running.job) not in wanted:
                continue
            if running.task is None or self._loop is None:
                logger.warning("%s cannot be ended: it is no coroutine and runs in a thread.", named(running.job))
                continue
            lost = Lost("Terminated by remote control", kind="terminated", signal=signum)
            self._loop.call_soon_threadsafe(self._insist, running, lost)
            ended.append(running.job)
        return ended

    def in_hand(self) -> list[tuple[Job, float]]:
        return [(running.job, running.since) for running in list(self._running.values())]

    def can_limit(self, task: Any, option: str) -> bool:
        return is_native(task)

    # -- jobs

    def _begin(self, jobs: Sequence[Job]) -> None:
        assert self._loop is not None
        idle = not self._running
        for job in jobs:
            running = Running(job, self.clock.monotonic())
            self._running[id(running)] = running
            if job.lost is None and self._is_native(job):
                running.task = self._loop.create_task(self._run(running))
            else:
                self._threads.submit(lambda running=running: self._run_in_thread(running))  # type: ignore[misc]
        if idle:
            self._changed.set()

    def _is_native(self, job: Job) -> bool:
        name = job.delivery.envelope.headers.get("task", "")
        native = self._native.get(name)
        if native is None:
            task = self.parts.app.tasks.get(name)
            native = self._native[name] = task is not None and is_native(task)
        return native

    async def _run(self, running: Running) -> None:
        job, tools = running.job, self._tools
        try:
            effects = await self._limited(running, arun(job, tools, running.fate))
            writes = encoded(job, effects, tools, self.parts.encode)
        except BaseException as error:
            writes = self._conclude(running, error)
        finally:
            for timer in running.timers:
                timer.cancel()
        self._end(running, writes)

    def _limited(self, running: Running, attempt: Coroutine[Any, Any, Effects]) -> Any:
        hard, soft = self.parts.limits.of(running.job)
        if not (hard or soft):
            return attempt
        loop = asyncio.get_running_loop()
        if soft:
            attempt = running.inside = Reachable(attempt)
            running.timers.append(loop.call_later(soft, self._soft, running, soft))
        if hard:
            running.limit = hard
            running.timers.append(loop.call_later(hard, self._hard, running))
        return attempt

    def _soft(self, running: Running, limit: float) -> None:
        task = running.task
        if task is not None and running.inside is not None and running.fate.lost is None:
            request_logger.warning("Soft time limit (%gs) exceeded for %s", limit, named(running.job))
            running.inside.raise_inside(SoftTimeLimitExceeded())
            task.cancel()
            task.uncancel()

    def _hard(self, running: Running) -> None:
        assert self._loop is not None
        request_logger.error("Hard time limit (%gs) exceeded for %s", running.limit, named(running.job))
        self._insist(running, Lost("", kind="timeout", limit=running.limit))

    def _insist(self, running: Running, lost: Lost) -> None:
        assert self._loop is not None
        self._cancel(running, lost)
        running.timers.append(self._loop.call_later(_LAST_WORDS, self._give_up, running))

    @staticmethod
    def _cancel(running: Running, lost: Lost) -> None:
        running.fate.lost = lost
        if running.task is not None:
            running.task.cancel()

    def _give_up(self, running: Running) -> None:
        """It was cancelled and goes on: its place is given to others."""
        logger.error("%s does not end although it was cancelled; its place is given to others.", named(running.job))
        if id(running) in self._running and running.fate.lost is not None:
            self._end(running, self._ended_by(running, running.fate.lost))

    def _ended_by(self, running: Running, lost: Lost) -> Writes:
        if lost.kind == "terminated":
            return self.parts.encode(terminated(running.job, lost, self._gate))
        if lost.kind == "timeout":
            return timed_out(running.job, running.limit, self._tools, self.parts.encode)
        return interrupted(running.job, self._gate, self.parts.encode)

    def _conclude(self, running: Running, error: BaseException) -> Writes:
        """Say what follows from an attempt that did not come to an end of its own."""
        job, lost = running.job, running.fate.lost
        if lost is not None and isinstance(error, (Interrupted, asyncio.CancelledError)):
            return self._ended_by(running, lost)
        return self._conclude_by_force(job, error)

    def _conclude_by_force(self, job: Job, error: BaseException) -> Writes:
        if isinstance(error, (WorkerShutdown, WorkerTerminate, KeyboardInterrupt)):
            self.stop()
            reason = "The task has stopped the worker"
        else:
            logger.error("The outcome of a task cannot be found out.", exc_info=error)
            reason = "The worker could not conclude the task (see its log)"
        return self.parts.encode(conclude_lost_plain(job, Lost(reason=reason), self._gate))

    def _run_in_thread(self, running: Running) -> None:
        try:
            writes = perform(running.job, self._sync_tools, self.parts.encode)
        except BaseException as error:
            writes = self._conclude_by_force(running.job, error)
        self._end(running, writes)

    def _end(self, running: Running, writes: Writes) -> None:
        if self._running.pop(id(running), None) is None:
            return
        self.settling.add((writes,))
        self.feeding.ended_job(running.job, writes, self.clock.monotonic() - running.since)
        if self.shutdown.begun:
            self._look_up()

    def _say_now(self, effects: Effects) -> None:
        """Write what must be seen before an attempt ends. The loop does not wait for it; ``await task.aupdate_state()`` does."""
        writes = (self.parts.encode(effects),)
        if threading.get_ident() == self._thread:
            self.settling.add(writes)
        else:
            self.settling.add_and_wait(writes)


def is_native(task: Any) -> bool:
    """Whether a task is a coroutine function, so that it runs on the loop."""
    return inspect.iscoroutinefunction(inspect.unwrap(task.run))


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop: uvloop's where that is installed."""
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        make = importlib.import_module("uvloop").new_event_loop
    return make()
