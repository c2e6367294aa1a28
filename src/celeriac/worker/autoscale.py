"""How many task processes the load asks for. Pure: time is an argument (monotonic seconds)."""

from __future__ import annotations

LOOK = 0.5
"""Seconds between two looks at the load."""


class Autoscaler:
    """Grows at once while jobs wait and every process is busy, doubling; shrinks to what was needed when that was less for ``keep`` seconds."""

    def __init__(self, least: int, most: int, keep: float) -> None:
        self.least = least
        self.most = most
        self.keep = keep
        self._needed = 0
        self._enough_since: float | None = None

    def wanted(self, size: int, busy: int, waits: bool, now: float) -> int:
        """Return the size to have: ``size`` processes there are, ``busy`` of them work, ``waits`` tells whether jobs wait for one."""
        if size < self.least or size > self.most:
            return min(max(size, self.least), self.most)
        if busy >= size and waits:
            self._enough_since = None
            return min(self.most, size * 2)
        if busy >= size:
            self._enough_since = None
            return size
        if self._enough_since is None:
            self._enough_since, self._needed = now, busy
        self._needed = max(self._needed, busy)
        if now - self._enough_since < self.keep:
            return size
        self._enough_since = None
        return max(self.least, self._needed)
