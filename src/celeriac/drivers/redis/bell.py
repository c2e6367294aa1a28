"""How a thread that waits on a connection is woken by another thread of its process."""

from __future__ import annotations

import os
import threading
from contextlib import suppress


class Bell:
    """A pipe that one thread polls and any thread may ring; opened when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: tuple[int, int] | None = None

    def fileno(self) -> int:
        """Return the descriptor that can be read once the bell has been rung."""
        with self._lock:
            return self._opened()[0]

    def ring(self) -> None:
        """Wake who polls it, or who will."""
        with self._lock, suppress(BlockingIOError):
            os.write(self._opened()[1], b"x")

    def hush(self) -> None:
        """Forget that it was rung."""
        with self._lock, suppress(BlockingIOError):
            if self._ends is not None:
                os.read(self._ends[0], 4096)

    def close(self) -> None:
        """Give the descriptors back."""
        with self._lock:
            ends, self._ends = self._ends, None
            for end in ends or ():
                os.close(end)

    def _opened(self) -> tuple[int, int]:
        if self._ends is None:
            self._ends = os.pipe()
            for end in self._ends:
                os.set_blocking(end, False)
        return self._ends
