"""Logical time: a number that orders what processes say to each other (L. Lamport, 1978)."""

from __future__ import annotations

import threading


class LamportClock:
    """Counts what this process sends and hears; never behind anything it has heard. For any thread."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self._lock = threading.Lock()

    def forward(self) -> int:
        """Count one more; return the new time."""
        with self._lock:
            self.value += 1
            return self.value

    def reserve(self, count: int) -> int:
        """Count so many at once; return the first of them."""
        with self._lock:
            first = self.value + 1
            self.value += count
            return first

    def adjust(self, other: int) -> int:
        """Take notice of somebody else's time; return the new time, which is later than both."""
        with self._lock:
            self.value = max(self.value, other) + 1
            return self.value
