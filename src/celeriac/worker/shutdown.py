"""The phases of a shutdown, and what starts them.

TERM, or a first interrupt: warm, finish what runs and return the rest, for at most the grace. QUIT, a second interrupt, or the end of the grace: soft
where that is asked for, the same for a bounded time; then cold, kill the task processes. An interrupt in a cold shutdown ends everything at once.
HUP is warm, and the worker then starts again. A handler only records; the supervisor's loop acts.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from celeriac import signals
from celeriac.lib.clock import Clock
from celeriac.lib.value import Value
from celeriac.worker.machine import machine

logger = logging.getLogger("celeriac.worker")

_ASKED = 0
"""Stands for no signal."""

_HANGUP: int | None = getattr(signal, "SIGHUP", None)


class Phase(Enum):
    """How far the shutdown has come."""

    RUNNING = "running"
    WARM = "warm"
    SOFT = "soft"
    COLD = "cold"
    KILL = "kill"


class Ladder(Value, frozen=True):
    """How long the steps of a shutdown may take (seconds)."""

    grace: float | None = None
    """Of the warm one; None waits for whatever runs."""
    soft: float = 0.0
    """Of the soft one; 0 leaves it out."""
    soft_when_idle: bool = False
    """Whether the soft one is not left out when nothing runs."""

    @classmethod
    def of(cls, conf: Mapping[str, Any]) -> Ladder:
        """Return what the settings say."""
        return cls(conf["worker_shutdown_timeout"], conf["worker_soft_shutdown_timeout"] or 0.0, bool(conf["worker_enable_soft_shutdown_on_idle"]))


class Shutdown:
    """Knows the phase; signals and deadlines move it on. ``busy`` tells whether anything runs."""

    def __init__(self, clock: Clock, ladder: Ladder, announce: Callable[[str, int, float | None], object], busy: Callable[[], bool]) -> None:
        self.phase = Phase.RUNNING
        self.told_end = False
        self.next_step: float | None = None
        self.restarts = False
        """Whether the worker is to start again when it has ended."""
        self._clock = clock
        self._ladder = ladder
        self._announce = announce
        self._busy = busy
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
        """Record the signals that end a worker (REMAP_SIGTERM=SIGQUIT makes TERM mean QUIT)."""
        for number in machine().ending_signals:
            signal.signal(number, self._record)
        # nohup has it ignored, and means it.
        if _HANGUP is not None and signal.getsignal(_HANGUP) is not signal.SIG_IGN:
            signal.signal(_HANGUP, self._record)

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
            self._hear(self._recorded.pop(0))

    def _hear(self, number: int) -> None:
        if number == _HANGUP:
            if not self.begun:
                # A worker whose terminal was closed is not to live on without it.
                self.restarts = not has_terminal()
                self._begin_warm(number)
            return
        self.restarts = False
        if self.phase is Phase.COLD:
            if number == signal.SIGINT:
                self._pending.append(Phase.KILL)
        elif self._is_cold(number):
            self._step_down(number)
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
            self._announce("Warm", number, self._ladder.grace)
        if self._ladder.grace is not None:
            self.next_step = self._clock.monotonic() + self._ladder.grace

    def _step_down(self, number: int) -> None:
        """Go on to the next harder phase."""
        ladder = self._ladder
        if self.phase is not Phase.SOFT and ladder.soft > 0 and not self._leaving and (ladder.soft_when_idle or self._busy()):
            self.phase = Phase.SOFT
            self._pending.append(Phase.SOFT)
            self.next_step = self._clock.monotonic() + ladder.soft
            self._announce("Soft", number, ladder.soft)
        else:
            self.phase = Phase.COLD
            self.restarts = False
            self._pending.append(Phase.COLD)
            self._announce("Cold", number, None)

    def steps(self, now: float) -> list[Phase]:
        """Return the phases that have to be carried out now."""
        if self.next_step is not None and now >= self.next_step:
            self.next_step = None
            if self._leaving or self.phase is Phase.COLD:
                self._pending.append(Phase.KILL)
            else:
                seconds = self._ladder.soft if self.phase is Phase.SOFT else self._ladder.grace
                logger.warning("The grace of %gs is over.", seconds or 0.0)
                self._step_down(signal.SIGTERM)
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
        self.restarts = False
        self.consumer_left(when)


def has_terminal() -> bool:
    """Whether this process has a terminal that it may lose."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def announcer(hostname: str) -> Callable[[str, int, float | None], None]:
    """Return what tells of a shutdown: the log, and the receivers of ``worker_shutting_down``."""

    def announce(how: str, number: int, seconds: float | None) -> None:
        name = signal.Signals(number).name
        more = ""
        if how == "Warm" and number == signal.SIGINT:
            more = "; a second Ctrl+C ends at once"
        elif how == "Warm" and number == _HANGUP and not has_terminal():
            more = "; then it starts again"
        elif how == "Soft":
            more = f"; what runs has {seconds:g}s to end"
        logger.warning("worker: %s shutdown (%s)%s", how, name, more)
        signals.worker_shutting_down.send(sender=hostname, sig=name, how=how, exitcode=1 if how == "Cold" else 0)

    return announce
