"""The solo executor: one process, one loop: fetch, run, flush."""

from __future__ import annotations

import logging
import signal
import threading

from celeriac.engine.attempt import Tools
from celeriac.lib.clock import Clock
from celeriac.model.effects import Job
from celeriac.model.errors import OperationalError, WorkerShutdown, WorkerTerminate
from celeriac.worker.courier import LONG, Courier
from celeriac.worker.dispatch import name_of
from celeriac.worker.executors.inprocess import InProcess
from celeriac.worker.parts import Parts, Station
from celeriac.worker.performing import interrupted, perform
from celeriac.worker.shutdown import Phase

logger = logging.getLogger("celeriac.worker")

FETCH_WAIT = 1.0
_BATCHES = 4
_LOOK = 0.05
"""Seconds between two looks at the time that a shutdown may take."""


class Solo(InProcess):
    """Runs jobs in this thread, a packet's worth at a time."""

    def __init__(self, parts: Parts, clock: Clock) -> None:
        super().__init__(parts, clock)
        self._since = 0.0
        self._in_hand: list[Job] = []
        self._tools: Tools | None = None
        self.pulse = parts.contact.pulse("fetching")
        self._courier = Courier(self._relieve_if_long)

    def work(self, station: Station) -> None:
        tools = self._tools = self.parts.tools(lambda effects: station.outbox.flush(self.parts.encode(effects)))
        try:
            while not self._stopping.is_set():
                self.pulse.beat()
                try:
                    self._turn(station, tools)
                except OperationalError as error:
                    logger.warning("consumer: Cannot fetch: %s. Trying again in 1s.", error)
                    self._stopping.wait(1.0)
        except (WorkerShutdown, WorkerTerminate):
            # The second interrupt, or a task that stops its worker.
            station.outbox.add([interrupted(job, station.gate, self.parts.encode) for job in self._in_hand])

    def _turn(self, station: Station, tools: Tools) -> None:
        pace, intake = self.parts.pace, station.intake
        if not intake:
            station.outbox.flush()
            self.parts.log.flush()
            wanted = pace.wanted(_BATCHES, 1) if pace.far else pace.appetite * _BATCHES
            intake.fetch(min(wanted, self.parts.options.most_held(1)), FETCH_WAIT)
        packets = intake.take(lambda jobs: [list(jobs[: pace.count(map(name_of, jobs), alone=True)])] if jobs else [])
        for packet in packets:
            pace.composed(1, len(packet))
            marked = intake.acknowledge(packet)
            if marked:
                self._run_packet(marked, station, tools)

    def _run_packet(self, jobs: list[Job], station: Station, tools: Tools) -> None:
        self._in_hand = list(jobs)
        self.pulse.busy = True
        if len(jobs) > 1:
            self._courier.watch()
        for job in jobs:
            started = self._since = self.clock.monotonic()
            writes = perform(job, tools, self.parts.encode)
            station.outbox.add([writes])
            del self._in_hand[0]
            seconds = self.clock.monotonic() - started
            self.parts.pace.note(name_of(job), seconds)
            if station.counts is not None:
                station.counts.ended((job,), (writes,), (seconds,))
        self._since = 0.0
        self.pulse.busy = False
        self.pulse.beat()
        if not jobs[-1].acked:
            station.outbox.flush()

    def in_hand(self) -> list[tuple[Job, float]]:
        since, jobs = self._since, self._in_hand[:1]
        return [(job, since) for job in jobs if since]

    def _relieve_if_long(self) -> bool:
        since, station = self._since, self._station
        if since and station is not None and self.clock.monotonic() - since > LONG:
            station.outbox.flush()
        return bool(self._in_hand)

    # -- signals: nobody but this thread could act on them, and it runs a task

    def hear_signals(self) -> None:
        super().hear_signals()
        self.shutdown.on_record = self._act

    def _act(self) -> None:
        self.shutdown.listen()
        if self.shutdown.phase is Phase.COLD:
            if self._tools is not None and self._tools.running:
                raise WorkerTerminate(1)
            # Between two tasks: what has ended is written first.
            self._stopping.set()
        elif not self._stopping.is_set():
            # The handler runs in the thread that fetches: it must not take the broker's locks.
            threading.Thread(target=self._stop_in_time, daemon=True).start()

    def _stop_in_time(self) -> None:
        self._stopping.set()
        self.wake()
        while not self.ended.wait(_LOOK):
            if Phase.COLD in self.shutdown.steps(self.clock.monotonic()):
                _signal_main_thread(signal.SIGINT)


def _signal_main_thread(number: int) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
