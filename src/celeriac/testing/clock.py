"""Time that passes only when a test says so."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from celeriac.model.errors import SoftTimeLimitExceeded, WorkerTerminate


class Ended(WorkerTerminate):
    """The running task has used up its hard time limit: a real worker ends the process. Not for tasks to catch."""


class VirtualClock:
    """The clock of ``celeriac.testing.testing`` (a ``lib.clock.Clock``): starts at the next whole seconds, or at
    ``start`` (epoch seconds or a datetime), and stands still.

    ``sleep`` may be put in the place of ``time.sleep``, for tasks that sleep: what passes while a task runs counts towards its time limits.
    """

    def __init__(self, start: float | datetime | None = None) -> None:
        if isinstance(start, datetime):
            start = (start if start.tzinfo is not None else start.replace(tzinfo=UTC)).timestamp()
        # Whole seconds, so that sums are exact; and a little ahead of the machine, so that an eta made of its time is due no later than was meant.
        self._began = self._now = math.ceil(time.time()) + 1.0 if start is None else float(start)
        self._soft: float | None = None
        self._hard: float | None = None

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since some moment; this clock never runs backwards."""
        return self._now - self._began + 1_000.0

    def datetime(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self._now, UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass; inside a task that uses up its time limit by this, raises what a worker raises there."""
        if seconds < 0:
            raise ValueError(f"Time cannot be advanced by {seconds!r} seconds: it does not run backwards")
        self.move_to(self._now + seconds)

    sleep = advance

    def move_to(self, moment: float) -> None:
        """Let time pass until a moment (epoch seconds); as ``advance``."""
        hard, soft = self._hard, self._soft
        if soft is not None and soft <= moment and (hard is None or soft < hard):
            self._soft, self._now = None, max(self._now, soft)
            raise SoftTimeLimitExceeded()
        if hard is not None and hard <= moment:
            self._hard, self._now = None, max(self._now, hard)
            raise Ended("The hard time limit has passed")
        self._now = max(self._now, moment)

    @contextmanager
    def limits(self, soft: float | None, hard: float | None) -> Iterator[None]:
        """A task runs that may take so many seconds; None is any number."""
        before = self._soft, self._hard
        self._soft = self._now + soft if soft else None
        self._hard = self._now + hard if hard else None
        try:
            yield
        finally:
            self._soft, self._hard = before

    def __repr__(self) -> str:
        return f"<VirtualClock {self.datetime().isoformat()}>"
