"""How one attempt ended: a closed set."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value
from celeriac.model.plan import Plan


class Returned(Value, frozen=True):
    """The task returned a value."""

    value: Any


class Raised(Value, frozen=True):
    """The task raised; ``traceback`` is formatted text."""

    error: BaseException
    traceback: str
    kind: str = "failure"
    """failure, or timeout (soft limit): acknowledgement rules differ."""
    account: str = ""
    """What is known of a process that died, for the people who look at the dead letters."""


class Retried(Value, frozen=True):
    """The task asked for another try; ``plan`` holds its message."""

    error: BaseException
    traceback: str
    plan: Plan | None
    due: float | None = None


class Replaced(Value, frozen=True):
    """The task put another workflow in its place."""

    plan: Plan


class Ignored(Value, frozen=True):
    """The task wants no state to be stored."""


class Rejected(Value, frozen=True):
    """The task rejected its message."""

    reason: str
    requeue: bool = False


class Lost(Value, frozen=True):
    """The process that ran the task ended under it, or was killed by the hard time limit."""

    reason: str
    kind: str = "lost"
    """lost, timeout (hard limit), or terminated (by remote control)."""
    signal: int | None = None
    limit: float | None = None
    """The hard time limit (seconds) that was exceeded."""
    log: str = ""
    """The last lines that the process logged."""
    attempts: tuple[str, ...] = ()
    """How this attempt ended and those before it, as far as the worker knows, a line each."""


Outcome = Returned | Raised | Retried | Replaced | Ignored | Rejected | Lost
