"""Executors of many runners in one process: threads, or green threads where the library that makes them has patched ``threading``.

One thread fetches, one writes outcomes, and the runners take jobs from one line, whoever is free first. A runner that has ended one job takes
the next without a pause; idle ones are woken one for each packet's worth of jobs, and more of them when what was taken for short turns out long.
"""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
from collections import deque
from collections.abc import Sequence

from celeriac.engine.attempt import Tools, conclude_lost_plain
from celeriac.lib.clock import Clock
from celeriac.model.effects import Effects, Job, Writes
from celeriac.model.errors import WorkerShutdown, WorkerTerminate
from celeriac.model.outcome import Lost
from celeriac.worker.attention import Attention
from celeriac.worker.courier import Courier
from celeriac.worker.dispatch import name_of
from celeriac.worker.executors.inprocess import InProcess
from celeriac.worker.feeding import Feeding
from celeriac.worker.parts import Parts, Station
from celeriac.worker.performing import interrupted, perform
from celeriac.worker.settling import Settling
from celeriac.worker.shutdown import Phase

logger = logging.getLogger("celeriac.worker")

_LOOK = 0.05
"""Seconds between two looks at what still runs, in a shutdown."""

_PATIENCE = 2.0
"""Seconds for the fetching thread to come to an end, in a cold shutdown."""


class Pooled(InProcess):
    """Runs each job in a runner (a thread) of its own."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        super().__init__(parts, clock)
        self.attention = Attention()
        self._line: deque[Job] = deque()
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._running: dict[int, tuple[Job, float]] = {}
        self._lock = threading.Lock()
        self._runners = 0
        self._courier = Courier(self._call_more_if_stalled)

    # -- the main thread

    def hear_signals(self) -> None:
        super().hear_signals()
        self.attention.hear_signals()

    def wake(self) -> None:
        super().wake()
        self.attention.ring()

    def work(self, station: Station) -> None:
        self.settling = Settling(station.outbox, self.parts.log.flush)
        self.feeding = Feeding(
            intake=station.intake, pace=self.parts.pace, places=self.places, begin=self._begin, flush_log=self.parts.log.flush,
            wake_broker=station.broker.wake, clock=self.clock, most_held=self.parts.options.most_held,
            counts=station.counts, pulse=station.contact.pulse("fetching"), line_up=True,
        )  # fmt: skip
        for _ in range(self.places):
            self._start_runner()
        self.settling.start()
        self.feeding.start()
        self._wait_for_the_end(station)
        self.settling.end()
        for _ in range(self._runners):
            self._calls.put(False)
        self.attention.close()

    def _wait_for_the_end(self, station: Station) -> None:
        while not (self.feeding.ended and self.feeding.out <= 0):
            self.attention.wait(_LOOK if self.shutdown.begun else None)
            self.shutdown.listen()
            for phase in self.shutdown.steps(self.clock.monotonic()):
                self.feeding.stop()
                if phase not in (Phase.WARM, Phase.SOFT):
                    self.feeding.join(_PATIENCE)
                    self._abandon_everything(station)
                    return

    def _abandon_everything(self, station: Station) -> None:
        """Cold: a thread cannot be ended; what it comes to is not waited for, and not written."""
        with self._lock:
            jobs = [*(job for job, _ in self._running.values()), *self._line]
            self._running.clear()
            self._line.clear()
        station.outbox.add([interrupted(job, station.gate, self.parts.encode) for job in jobs])

    def in_hand(self) -> list[tuple[Job, float]]:
        with self._lock:
            return list(self._running.values())

    def resize(self, count: int) -> None:
        """Run so many jobs side by side; of runners that are too many, the next idle ones end."""
        change, self.places = count - self.places, count
        self.feeding.resize(count)
        for _ in range(change):
            self._start_runner()
        for _ in range(-change):
            self._calls.put(False)

    # -- the fetching thread

    def _begin(self, jobs: Sequence[Job]) -> None:
        pace = self.parts.pace
        self._line.extend(jobs)
        at = calls = 0
        while at < len(jobs):
            at += pace.count(name_of(job) for job in jobs[at:])
            calls += 1
        if len(jobs) > calls:
            self._courier.watch()
        for _ in range(calls):
            self._calls.put(True)

    def _call_more_if_stalled(self) -> bool:
        """What was taken for short is not: let everybody help who is free."""
        for _ in range(min(len(self._line), self.places - len(self._running))):
            self._calls.put(True)
        return bool(self._line)

    # -- the runners

    def _start_runner(self) -> None:
        self._runners += 1
        threading.Thread(target=self._run, args=(self._runners,), name=f"runner-{self._runners}", daemon=True).start()

    def _run(self, number: int) -> None:
        tools = self.make_tools()
        while self._calls.get():
            while (job := self._take(number)) is not None:
                if not self._run_one(number, job, tools):
                    return

    def _take(self, number: int) -> Job | None:
        with self._lock:
            if not self._line:
                return None
            job = self._line.popleft()
            self._running[number] = job, self.clock.monotonic()
            return job

    def _run_one(self, number: int, job: Job, tools: Tools) -> bool:
        """Run a job; return False when this runner was given up meanwhile."""
        writes = contextvars.copy_context().run(self._perform_safely, job, tools)
        with self._lock:
            running = self._running.pop(number, None)
        if running is None:
            return False
        self._end(job, writes, self.clock.monotonic() - running[1])
        return True

    def _end(self, job: Job, writes: Writes, seconds: float) -> None:
        self.settling.add((writes,))
        self.feeding.ended_job(job, writes, seconds)
        if self.shutdown.begun:
            self.attention.ring()

    def _perform_safely(self, job: Job, tools: Tools) -> Writes:
        try:
            return self.perform(job, tools)
        except (WorkerShutdown, WorkerTerminate, KeyboardInterrupt):
            self.stop()
            reason = "The task has stopped the worker"
        except BaseException:
            logger.exception("The outcome of a task cannot be found out.")
            reason = "The worker could not conclude the task (see its log)"
        return self.parts.encode(conclude_lost_plain(job, Lost(reason=reason), tools))

    def perform(self, job: Job, tools: Tools) -> Writes:
        """Run a job in the runner that called; for those who have more to do."""
        return perform(job, tools, self.parts.encode)

    def make_tools(self) -> Tools:
        """Return a runner's own tools: ``tools.running`` is true while it runs user code."""
        return self.parts.tools(self._say_now)

    def give_up(self, job: Job) -> bool:
        """Wait for a job no longer; return False when it has ended already. Its runner ends with it."""
        with self._lock:
            number = next((number for number, (running, _) in self._running.items() if running is job), None)
            return number is not None and self._running.pop(number) is not None

    def _say_now(self, effects: Effects) -> None:
        """Write what must be seen before an attempt ends; not by the runner itself, in which a time limit may be raised at any moment."""
        self.settling.add_and_wait((self.parts.encode(effects),))
