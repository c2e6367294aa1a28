"""Every exception that celeriac raises; Celery's names where it has one.

    Exception
    ├── CeleriacError (Celery: CeleryError)
    │   ├── ImproperlyConfigured
    │   ├── SecurityError
    │   ├── UnsupportedPower          a driver lacks what was asked of it
    │   ├── MissingExtra              (also ImportError) a driver's library is not installed
    │   ├── CompilationError          a workflow that cannot be sent
    │   ├── TaskPredicate             raised by tasks to end in a certain way
    │   │   ├── Ignore · Reject · Retry
    │   └── TaskError
    │       ├── QueueNotFound (KeyError) · NotRegistered (KeyError) · AlreadyRegistered · IncompleteStream
    │       ├── TimeoutError · MaxRetriesExceededError · TaskRevokedError · InvalidTaskError · ChordError
    ├── BackendError · BackendGetMetaError · BackendStoreError
    ├── OperationalError              the broker or store cannot be reached, or refused
    ├── DecodeError · EncodeError     a message or value that cannot be read or written
    │   └── ContentDisallowed         (DecodeError) a serializer that was not accepted
    ├── SoftTimeLimitExceeded · TimeLimitExceeded · WorkerLostError · Terminated
    └── RemoteError                   a task's exception whose class is not known here
    SystemExit
    ├── WorkerShutdown · WorkerTerminate
"""

from __future__ import annotations

import numbers
from datetime import datetime
from typing import Any


class CeleriacError(Exception):
    """Base of the errors of this package."""


class ImproperlyConfigured(CeleriacError):
    """A setting, option or combination of them makes no sense."""


class SecurityError(CeleriacError):
    """Something was refused for safety."""


class UnsupportedPower(CeleriacError):
    """A broker or result store cannot do what was asked of it; the message names the power."""


class MissingExtra(CeleriacError, ImportError):
    """A driver or feature needs a library that is not installed; the message names the extra that brings it."""


class CompilationError(CeleriacError):
    """A workflow cannot be turned into messages."""


class TaskPredicate(CeleriacError):
    """Base of what a task raises to end in a certain way."""


class Ignore(TaskPredicate):
    """Raised by a task: acknowledge the message, store no state."""


class ReplacedEagerly(Ignore):
    """Raised by ``Task.replace`` in a task that runs in its caller's process: ``value`` is what the replacement has returned."""

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value


class Reject(TaskPredicate):
    """Raised by a late-acknowledged task: reject the message, or put it back with ``requeue``."""

    def __init__(self, reason: Any = None, requeue: bool = False) -> None:
        self.reason = reason
        self.requeue = requeue
        super().__init__(reason, requeue)

    def __repr__(self) -> str:
        return f"reject requeue={self.requeue}: {self.reason}"


class Retry(TaskPredicate):
    """Raised by ``Task.retry``: the task will be tried again at ``when`` (seconds from now, or a datetime)."""

    def __init__(
        self,
        message: str | None = None,
        exc: BaseException | str | None = None,
        when: float | datetime | None = None,
        is_eager: bool = False,
        sig: Any = None,
        **_ignored: Any,
    ) -> None:
        self.message = message
        self.exc = exc if isinstance(exc, BaseException) else None
        self.excs = exc if isinstance(exc, str) else (repr(exc) if exc is not None else None)
        self.when = when
        self.is_eager = is_eager
        self.sig = sig
        super().__init__(exc, when)

    def humanize(self) -> str:
        """Say in words when the next try is."""
        return f"in {self.when}s" if isinstance(self.when, numbers.Number) else f"at {self.when}"

    def __str__(self) -> str:
        if self.message:
            return self.message
        return f"Retry {self.humanize()}: {self.excs}" if self.excs else f"Retry {self.humanize()}"

    def __reduce__(self) -> Any:
        return type(self), (self.message, self.exc or self.excs, self.when)


class TaskError(CeleriacError):
    """Base of errors about tasks."""


class QueueNotFound(KeyError, TaskError):
    """A task was routed to a queue that is not declared while missing queues are not created."""


class NotRegistered(KeyError, TaskError):
    """A task of that name is not registered."""

    def __repr__(self) -> str:
        return f"NotRegistered({self.args[0] if self.args else None!r})"


class AlreadyRegistered(TaskError):
    """Another task has that name."""


class IncompleteStream(TaskError):
    """The end of a data stream was found too early."""


class TimeoutError(TaskError):  # noqa: A001 (Celery's name)
    """The operation did not end in time."""


class MaxRetriesExceededError(TaskError):
    """The task was retried as often as it may be."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.task_args = named.pop("task_args", [])
        self.task_kwargs = named.pop("task_kwargs", {})
        super().__init__(*args)


class TaskRevokedError(TaskError):
    """The task was revoked."""


class InvalidTaskError(TaskError):
    """A task message that lacks what it must have, or is malformed."""


class ChordError(TaskError):
    """A part of a chord failed."""


class BackendError(Exception):
    """The result store failed."""


class BackendGetMetaError(BackendError):
    """A result could not be read."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.task_id = named.get("task_id", "")
        super().__init__(*args)


class BackendStoreError(BackendError):
    """A result could not be stored."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.state = named.get("state", "")
        self.task_id = named.get("task_id", "")
        super().__init__(*args)


class MessagingError(Exception):
    """What goes wrong between a program and its stores, or with the bytes that go there."""


class OperationalError(MessagingError):
    """The broker or result store could not be reached, or could not do it now; trying again later may help."""


class DecodeError(MessagingError):
    """A message or value could not be decoded."""


class EncodeError(MessagingError):
    """A value could not be encoded."""


class ContentDisallowed(DecodeError):
    """The content type is not one that is accepted (setting ``accept_content``)."""


class SoftTimeLimitExceeded(Exception):
    """The soft time limit passed; raised inside the task."""

    def __str__(self) -> str:
        return f"SoftTimeLimitExceeded{self.args}"


class TimeLimitExceeded(Exception):
    """The hard time limit passed and the task was killed."""

    def __str__(self) -> str:
        return f"TimeLimitExceeded{self.args}"


class WorkerLostError(Exception):
    """The process that ran the task ended under it."""


class Terminated(Exception):
    """The task was terminated by request."""


class RemoteError(Exception):
    """A task's exception whose class cannot be imported here; ``exc_type`` and ``exc_module`` name it."""

    exc_type: str = "RemoteError"
    exc_module: str | None = None


class WorkerShutdown(SystemExit):
    """Raised in a worker to shut it down, warm."""


class WorkerTerminate(SystemExit):
    """Raised in a worker to end it at once."""


class CeleriacWarning(UserWarning):
    """Base of the warnings of this package."""


class AlwaysEagerIgnored(CeleriacWarning):
    """``send_task`` was called with ``task_always_eager``, which it ignores."""


class DuplicateNodenameWarning(CeleriacWarning):
    """Several workers have the same node name."""


class DuplicateTaskNameWarning(CeleriacWarning):
    """A task replaced another of the same name."""


class FixupWarning(CeleriacWarning):
    """A framework integration could not be set up."""


class NotConfigured(CeleriacWarning):
    """No configuration was found."""


class SecurityWarning(CeleriacWarning):
    """Something is possible but unsafe."""


class SettingWarning(CeleriacWarning):
    """A setting is unknown, misspelt, or contradicts another."""
