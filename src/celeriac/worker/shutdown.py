"""The phases of a shutdown, and what starts them.

TERM or a first interrupt: warm, finish what runs and return the rest, for at most the grace. QUIT, a second interrupt or the end of the grace:
cold, kill the task processes. A handler only records; the supervisor's loop acts.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from enum import Enum

from celeriac import signals
from celeriac.lib.clock import Clock
from celeriac.worker.machine import machine

logger = logging.getLogger("celeriac.worker")

_ASKED = 0
"""Stands for no signal."""


class Phase(Enum):
    """How far the shutdown has come."""

    RUNNING = "running"
    WARM = "warm"
    COLD = "cold"
    KILL = "kill"


class Shutdown:
    """Knows the phase; signals and deadlines move it on."""

    def __init__(self, clock: Clock, grace: float | None, announce: Callable[[str, int], object]) -> None:
        self.phase = Phase.RUNNING
        self.told_end = False
        self.next_step: float | None = None
        self._clock = clock
        self._grace = grace
        self._announce = announce
        self.on_record: Callable[[], object] | None = None
        """Called in the signal handler, for those who have no loop that could listen."""
        self._recorded: list[int] = []
        self._pending: list[Phase] = []
        self._leaving = False

    @property
    def begun(self) -> bool:
        """Whether the worker is on its way out."""
        return self.phase is not Phase.RUNNING

    def install(self) -> None:
        """Record the signals that end a worker (REMAP_SIGTERM=SIGQUIT makes TERM cold)."""
        for number in machine().ending_signals:
            signal.signal(number, self._record)

    def ask(self) -> None:
        """Begin a warm shutdown that no signal asked for; for any thread."""
        self._recorded.append(_ASKED)

    def _record(self, number: int, _frame: object) -> None:
        self._recorded.append(number)
        if self.on_record is not None:
            self.on_record()

    def listen(self) -> None:
        """Act on the signals recorded since the last call."""
        while self._recorded:
            number = self._recorded.pop(0)
            if self._is_cold(number):
                self._begin_cold(number)
            elif not self.begun:
                self._begin_warm(number)

    def _is_cold(self, number: int) -> bool:
        if number == signal.SIGTERM:
            return os.environ.get("REMAP_SIGTERM") == "SIGQUIT"
        return self.begun if number == signal.SIGINT else number != _ASKED

    def _begin_warm(self, number: int) -> None:
        self.phase = Phase.WARM
        self._pending.append(Phase.WARM)
        if number != _ASKED:
            self._announce("Warm", number)
        if self._grace is not None:
            self.next_step = self._clock.monotonic() + self._grace

    def _begin_cold(self, number: int) -> None:
        if self.phase is not Phase.COLD:
            self.phase = Phase.COLD
            self._pending.append(Phase.COLD)
            self._announce("Cold", number)

    def steps(self, now: float) -> list[Phase]:
        """Return the phases that have to be carried out now."""
        if self.next_step is not None and now >= self.next_step:
            self.next_step = None
            if self._leaving or self.phase is Phase.COLD:
                self._pending.append(Phase.KILL)
            else:
                logger.warning("The grace of %gs is over.", self._grace or 0.0)
                self._begin_cold(signal.SIGTERM)
        pending, self._pending = self._pending, []
        return pending

    def limit(self, when: float) -> None:
        """The phase ends at this time (monotonic seconds) at the latest."""
        self.next_step = when

    def consumer_left(self, when: float) -> None:
        """The consumer has finished; the task processes leave by themselves until ``when``."""
        self._leaving = True
        self.next_step = when

    def give_up(self, when: float) -> None:
        """The worker cannot work: everything leaves."""
        self.phase = self.phase if self.begun else Phase.WARM
        self.consumer_left(when)


def announcer(hostname: str) -> Callable[[str, int], None]:
    """Return what tells of a shutdown: the log, and the receivers of ``worker_shutting_down``."""

    def announce(how: str, number: int) -> None:
        name = signal.Signals(number).name
        logger.warning("worker: %s shutdown (%s)%s", how, name, "; a second Ctrl+C ends at once" if how == "Warm" and number == signal.SIGINT else "")
        signals.worker_shutting_down.send(sender=hostname, sig=name, how=how, exitcode=0 if how == "Warm" else 1)

    return announce
