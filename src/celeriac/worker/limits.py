"""How long a job may run: from its message, else its task, else the worker."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from celeriac.contracts.runnable import Runnable
from celeriac.model.effects import Job
from celeriac.worker.children import in_kib

with contextlib.suppress(ImportError):
    # Windows has no such module; it has no task processes either, whose memory could be limited.
    import resource


class Limits:
    """Knows the hard and soft time limits (seconds) of every job."""

    def __init__(self, tasks: Mapping[str, Runnable], hard: float | None = None, soft: float | None = None) -> None:
        self._tasks = tasks
        self._hard = hard
        self._soft = soft

    @property
    def general(self) -> tuple[float | None, float | None]:
        """The hard and soft limit (seconds) of jobs that have none of their own."""
        return self._hard, self._soft

    def of(self, job: Job) -> tuple[float | None, float | None]:
        """Return (hard, soft) of a job."""
        headers = job.delivery.envelope.headers
        hard, soft = headers.get("timelimit") or (None, None)
        task = self._tasks.get(headers.get("task", ""))
        if task is not None:
            hard = hard or task.time_limit
            soft = soft or task.soft_time_limit
        return hard or self._hard, soft or self._soft

    def deadlines(self, job: Job, now: float) -> tuple[float, float]:
        """Return when the soft and the hard limit pass (monotonic seconds), 0.0 for never."""
        hard, soft = self.of(job)
        return (now + soft if soft else 0.0), (now + hard if hard else 0.0)


def tiredness(max_tasks: int | None, max_memory: int | None) -> Callable[[int], bool]:
    """Return a function that says whether a process which has run that many jobs should be replaced; memory (its peak) in KiB."""

    def tired(done: int) -> bool:
        return bool((max_tasks and done >= max_tasks) or (max_memory and peak_memory() > max_memory))

    return tired


def peak_memory() -> int:
    """Return the most resident memory that this process has had, in KiB."""
    return in_kib(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
