"""The events of tasks: what monitors are told when an attempt ends, or a message is refused. Only where somebody wants them."""

from __future__ import annotations

from typing import Any

from celeriac.contracts.runnable import Runnable
from celeriac.engine.current import Attempt
from celeriac.engine.exception_info import safe_repr
from celeriac.lib.saferepr import saferepr
from celeriac.model.event import Event

Events = tuple[Event, ...]


def succeeded(attempt: Attempt, value: Any, runtime: float) -> Events:
    """The task has returned; ``runtime`` in seconds."""
    if not _watched(attempt):
        return ()
    return _ended(attempt, "task-succeeded", {"result": saferepr(value, attempt.task.resultrepr_maxsize), "runtime": runtime})


def failed(attempt: Attempt, error: BaseException, traceback: str | None) -> Events:
    """The task has failed."""
    return _ended(attempt, "task-failed", _trouble(error, traceback)) if _watched(attempt) else ()


def retried(attempt: Attempt, error: BaseException, traceback: str | None) -> Events:
    """The task will be tried again."""
    return _ended(attempt, "task-retried", _trouble(error, traceback)) if _watched(attempt) else ()


def rejected(attempt: Attempt, requeue: bool) -> Events:
    """The task has rejected its message."""
    return _ended(attempt, "task-rejected", {"requeue": requeue}) if _watched(attempt) else ()


def lost(task_id: str, error: BaseException, now: float) -> Events:
    """The task failed without having come to an end: ``now`` is epoch seconds."""
    return (Event("task-failed", {"uuid": task_id, **_trouble(error, "")}, now),)


def not_run(task_id: str, now: float, *, terminated: bool, expired: bool, signum: int | None) -> Events:
    """The task was revoked, or its message came too late; ``now`` is epoch seconds."""
    return (Event("task-revoked", {"uuid": task_id, "terminated": terminated, "signum": signum, "expired": expired}, now),)


def wanted(events: bool, task: Runnable | None) -> bool:
    """Whether a task's events are sent, where events are on or off altogether."""
    return events and (task is None or task.send_events)


def _watched(attempt: Attempt) -> bool:
    return attempt.job is not None and attempt.job.watched


def _ended(attempt: Attempt, kind: str, fields: dict[str, Any]) -> Events:
    clock = attempt.tools.clock
    now = clock.now()
    began = now - (clock.monotonic() - attempt.begun) if attempt.begun else 0.0
    return (Event(kind, {"uuid": attempt.message.id, **fields}, now, began),)


def _trouble(error: BaseException, traceback: str | None) -> dict[str, Any]:
    return {"exception": safe_repr(error), "traceback": traceback}
