"""What is known of the processes that died with a task: told to the people who look at the dead letters."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime

from celeriac.model.effects import Job
from celeriac.model.outcome import Lost

MOST = 1_000
"""The most tasks whose deaths a worker remembers."""

SPACE = 4_000
"""The most characters of the reason of a dead letter."""

_ATTEMPTS = 20
_LOG = 2_000


class Deaths:
    """Remembers, task by task, how attempts ended whose process died; bounded, the oldest are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def note(self, job: Job, lost: Lost, *, now: float, pid: int, memory: int | None) -> Lost:
        """Note that a process died with a job (``memory``: its peak, KiB); return the loss with all that is known of this task's attempts."""
        when = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        most = "" if memory is None else f", peak memory {memory / 1024:.1f} MiB"
        line = f"delivery {job.delivery.deliveries}, {when}, {job.hostname}, process {pid}: {lost.reason}{most}"
        key = job.delivery.envelope.task_id or ""
        attempts = (*(job.delivery.deaths or self._known.get(key, ())), line)[-_ATTEMPTS:]
        self._known.pop(key, None)
        self._known[key] = attempts
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return lost.replace(attempts=attempts)

    def of(self, task_id: str) -> tuple[str, ...]:
        """Return what is known of a task's attempts, a line each."""
        return self._known.get(task_id, ())


def account(attempts: tuple[str, ...], log: str = "") -> str:
    """Return the attempts, and the last lines of the last process's log, as text of several lines."""
    lines = ["Attempts whose process died:", *(f"  {attempt}" for attempt in attempts)] if attempts else []
    if log:
        kept = log[-_LOG:].rstrip("\n")
        lines += ["The last lines that its process logged:", *(f"  {line}" for line in kept.split("\n"))]
    return "\n".join(lines)
