"""Time limits that were changed while the worker runs: they travel in the messages of the jobs that are handed out from then on."""

from __future__ import annotations

from typing import Any

from celeriac.model.envelope import Delivery
from celeriac.wire.task import TaskHead


class TimeLimits:
    """The changed limits by task (seconds). A limit that a call set for itself stays."""

    def __init__(self) -> None:
        self._changed: dict[str, tuple[float | None, float | None]] = {}
        self._declared: dict[str, tuple[float | None, float | None]] = {}

    def change(self, task: Any, soft: float | None, hard: float | None) -> None:
        """Give a task other limits."""
        self._declared.setdefault(task.name, (task.time_limit, task.soft_time_limit))
        self._changed = {**self._changed, task.name: (hard, soft)}
        task.time_limit, task.soft_time_limit = hard, soft

    def __bool__(self) -> bool:
        return bool(self._changed)

    def apply(self, delivery: Delivery, head: TaskHead) -> Delivery:
        """Return a delivery with the limits that hold now."""
        changed = self._changed.get(head.task)
        if changed is None:
            return delivery
        limits = [
            now if given is None or given == before else given
            for given, before, now in zip(head.timelimit, self._declared[head.task], changed)
        ]
        envelope = delivery.envelope
        return delivery.replace(envelope=envelope.replace(headers={**envelope.headers, "timelimit": limits}))
