"""The one life cycle of everything that runs."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Service(ABC):
    """Something that is started, told to stop, and waited for."""

    @abstractmethod
    def start(self) -> None:
        """Return when the service runs."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the service to end; may be called twice, and before ``start``; returns at once."""

    @abstractmethod
    def join(self, timeout: float | None = None) -> bool:
        """Wait until the service has ended; return False when ``timeout`` (seconds) passed before that."""
