"""How the supervisor's processes begin: the seam between it and the ways in which a platform can start them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from celeriac.worker import children
from celeriac.worker.children import Ended, Stopped
from celeriac.worker.crew import Crew, Role


class Starter(ABC):
    """Starts processes and tells which have ended."""

    @abstractmethod
    def start(self, role: Role, number: int) -> int:
        """Start a process and return its id; it ends when its supervisor does."""

    @abstractmethod
    def reap(self) -> Sequence[Ended | Stopped]:
        """Return the processes that have ended, or were stopped by a signal, since the last call."""


class Forked(Starter):
    """Processes that begin as copies of the supervisor, with the application imported."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def start(self, role: Role, number: int) -> int:
        return children.spawn(lambda: self._crew.play(role, number))

    def reap(self) -> Sequence[Ended | Stopped]:
        return children.reap()
