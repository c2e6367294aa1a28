"""What the engine tells whoever keeps the log; the words are the listener's."""

from __future__ import annotations

from typing import Any, Protocol

from celeriac.model.envelope import Envelope
from celeriac.wire.task import TaskHead


class TaskLog(Protocol):
    """Is told of every turn in a task's life. ``eta`` is epoch seconds, ``runtime`` seconds, ``traceback`` text."""

    def received(self, head: TaskHead, eta: float | None) -> None:
        """A message was accepted."""

    def succeeded(self, name: str, id: str, runtime: float, value: Any) -> None:
        """A task returned."""

    def failed(self, name: str, id: str, error: BaseException, traceback: str, runtime: float, expected: bool) -> None:
        """A task raised; ``expected`` errors are those that it declared in ``throws``."""

    def retried(self, name: str, id: str, reason: BaseException, traceback: str) -> None:
        """A task asked for another try."""

    def ignored(self, name: str, id: str) -> None:
        """A task asked to be ignored."""

    def rejected(self, name: str, id: str, reason: Any, requeue: bool) -> None:
        """A task rejected its message."""

    def revoked(self, name: str, id: str, reason: str) -> None:
        """A message was not run because its task was revoked, or has expired."""

    def unknown(self, name: str, id: str, envelope: Envelope) -> None:
        """A message names a task that is not registered."""

    def malformed(self, reason: str, envelope: Envelope) -> None:
        """A message cannot be understood."""

    def lost(self, name: str, id: str, reason: str) -> None:
        """The process that ran a task ended under it."""


class Silence:
    """A log that nobody reads."""

    def received(self, head: TaskHead, eta: float | None) -> None:
        pass

    def succeeded(self, name: str, id: str, runtime: float, value: Any) -> None:
        pass

    def failed(self, name: str, id: str, error: BaseException, traceback: str, runtime: float, expected: bool) -> None:
        pass

    def retried(self, name: str, id: str, reason: BaseException, traceback: str) -> None:
        pass

    def ignored(self, name: str, id: str) -> None:
        pass

    def rejected(self, name: str, id: str, reason: Any, requeue: bool) -> None:
        pass

    def revoked(self, name: str, id: str, reason: str) -> None:
        pass

    def unknown(self, name: str, id: str, envelope: Envelope) -> None:
        pass

    def malformed(self, reason: str, envelope: Envelope) -> None:
        pass

    def lost(self, name: str, id: str, reason: str) -> None:
        pass
