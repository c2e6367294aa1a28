"""What commands may ask of the worker they run in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from celeriac.lib.clock import Clock
from celeriac.lib.lamport import LamportClock
from celeriac.lib.value import Value
from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery
from celeriac.model.topology import Queue


class Running(Value, frozen=True):
    """A job that runs; ``started`` is epoch seconds, ``pid`` the process."""

    job: Job
    started: float
    pid: int


class Waiting(Value, frozen=True):
    """A message that the broker holds until it is ``due`` (epoch seconds)."""

    due: float
    delivery: Delivery


class Controlled(Protocol):
    """A worker as commands see it. Every method may be called from the thread of remote control, and none of them blocks for long."""

    app: Any
    hostname: str
    clock: Clock
    began: float
    """Monotonic seconds."""

    @property
    def pid(self) -> int:
        """The process that the user started."""
        ...

    def running(self) -> Sequence[Running]:
        """Return what runs."""
        ...

    def reserved(self) -> Sequence[Job]:
        """Return what this worker holds and has not begun."""
        ...

    def waiting(self) -> Sequence[Waiting]:
        """Return what the broker delays in this worker's queues, the next first (no more than a thousand)."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return how many jobs of each task have ended."""
        ...

    def pool(self) -> dict[str, Any]:
        """Return what ``stats`` says of the executor."""
        ...

    def autoscaler(self) -> dict[str, Any] | None:
        """Return what ``stats`` says of autoscaling, None when it is off."""
        ...

    def prefetched(self) -> int:
        """Return how many messages may be held at once."""
        ...

    def queues(self) -> Sequence[Queue]:
        """Return the queues that are consumed."""
        ...

    def add_queue(self, name: str, **fields: Any) -> None:
        """Consume one queue more."""
        ...

    def cancel_queue(self, name: str) -> None:
        """Consume a queue no more."""
        ...

    def revoked(self) -> Sequence[str]:
        """Return the ids of revoked tasks."""
        ...

    def revoke(self, ids: Sequence[str]) -> None:
        """Let these tasks never start."""
        ...

    def revoke_stamped(self, stamps: Mapping[str, Any]) -> None:
        """Let tasks that bear one of these stamps never start."""
        ...

    def terminate(self, ids: Iterable[str], signum: int) -> Sequence[str]:
        """End those of these tasks that run; return which they were. ``ValueError`` when this executor cannot."""
        ...

    def set_rate(self, task: str, rate: Any) -> None:
        """Change a task's rate limit."""
        ...

    def set_time_limits(self, task: str, soft: float | None, hard: float | None) -> None:
        """Change a task's time limits (seconds), for jobs that have not been handed out."""
        ...

    def resize(self, change: int) -> None:
        """Change how many jobs run side by side; ``ValueError`` when that cannot be."""
        ...

    def autoscale(self, most: int | None, least: int | None) -> tuple[int, int]:
        """Change the bounds of autoscaling; return them. ``ValueError`` when it is off."""
        ...

    def restart(self, modules: Sequence[str] | None, reload: bool) -> None:
        """Load modules (``reload``: again; None for all that tasks come from), then replace the processes of the executor, each when it is idle.

        ``ValueError`` when that cannot be.
        """
        ...

    def enable_events(self) -> bool:
        """Send the events of tasks from now on; return whether that is a change. ``ValueError`` when there can be none."""
        ...

    def disable_events(self) -> bool:
        """Send the events of tasks no more; return whether that is a change."""
        ...

    def beat(self) -> None:
        """Send a heartbeat now."""
        ...

    def elect(self, id: str) -> bool:
        """Say whether this worker is the one of all that is elected; ``ValueError`` when there is no store in which they can meet."""
        ...

    def stop(self) -> None:
        """Begin a warm shutdown."""
        ...


class ControlState:
    """The first argument of every command: the application, the worker's name, and the worker."""

    def __init__(self, worker: Controlled, logical: LamportClock) -> None:
        self.worker = worker
        self.logical = logical

    @property
    def app(self) -> Any:
        """The application."""
        return self.worker.app

    @property
    def hostname(self) -> str:
        """The worker's node name."""
        return self.worker.hostname

    @property
    def consumer(self) -> Controlled:
        """The worker, under the name that Celery's commands know."""
        return self.worker
