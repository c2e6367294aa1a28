"""What remote control may know and want of the executor it stands beside."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from celeriac.control.state import Running
from celeriac.lib.clock import Clock
from celeriac.model.effects import Job
from celeriac.worker.loading import Load


class Place(ABC):
    """Where jobs run. What an executor cannot do is refused with ``ValueError``."""

    size: int
    """How many jobs may run side by side."""

    @property
    def busy(self) -> int:
        """How many places are taken."""
        return len(self.running())

    @property
    def waits(self) -> bool:
        """Whether something waits for a place."""
        return False

    @abstractmethod
    def running(self) -> list[Running]:
        """Return what runs."""

    def handed_out(self) -> list[Job]:
        """Return what was taken out of the intake and has not begun."""
        return []

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what ``stats`` says of the pool."""

    def recall(self, unwanted: Callable[[Job], bool]) -> None:
        """Put what was handed out and has not begun back into the intake, as far as it is unwanted."""
        return

    def terminate(self, ids: Iterable[str], signum: int) -> list[str]:
        """End those of these tasks that run; return which."""
        raise ValueError("this executor cannot end a running task: prefork, asyncio, gevent and eventlet can")

    def resize(self, count: int) -> None:
        """Run so many jobs side by side."""
        raise ValueError("this executor has a fixed size")

    def restart(self, load: Load | None) -> None:
        """Replace the processes; new ones load what this one has loaded."""
        if load is None:
            raise ValueError("this executor has no processes that could be replaced; with modules, or reload=True, it loads these anew")

    def remember(self, key: str, change: bytes) -> None:
        """Keep a change for a consumer that takes this one's place, if there can be one; the last one of a key counts."""
        return

    @abstractmethod
    def stop(self) -> None:
        """Begin a warm shutdown."""


class InsidePlace(Place):
    """An executor that lives in this process.

    ``in_hand`` returns (job, monotonic seconds at which it began) pairs; ``end`` ends running jobs and returns those, ``resize`` changes the size,
    where the executor can (None where it cannot).
    """

    def __init__(
        self, kind: str, size: int, in_hand: Callable[[], Sequence[tuple[Job, float]]], stop: Callable[[], object], clock: Clock,
        resize: Callable[[int], object] | None = None, end: Callable[[Sequence[Job], int], Sequence[Job]] | None = None,
    ) -> None:  # fmt: skip
        self.size = size
        self._resize = resize
        self._end = end
        self._kind = kind
        self._in_hand = in_hand
        self._stop = stop
        self._clock = clock

    def running(self) -> list[Running]:
        now, here = self._clock.now(), self._clock.monotonic()
        return [Running(job, now - (here - since), os.getpid()) for job, since in self._in_hand()]

    def describe(self) -> dict[str, Any]:
        return {
            "implementation": self._kind,
            "max-concurrency": self.size,
            "processes": [os.getpid()],
            "max-tasks-per-child": None,
            "put-guarded-by-semaphore": False,
            "timeouts": [],
        }

    def terminate(self, ids: Iterable[str], signum: int) -> list[str]:
        wanted = set(ids)
        if self._end is None:
            return super().terminate(wanted, signum)
        jobs = [job for job, _ in self._in_hand() if job.delivery.envelope.headers.get("id") in wanted]
        return [job.delivery.envelope.headers["id"] for job in self._end(jobs, signum)]

    def resize(self, count: int) -> None:
        if self._resize is None:
            return super().resize(count)
        if count < 1:
            raise ValueError("The pool cannot be smaller than one place")
        self._resize(count)
        self.size = count
        return None

    def stop(self) -> None:
        self._stop()
