"""Threads that nobody waits for at the end of the process."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable


class DaemonThreads:
    """Runs functions in up to so many threads, which are started as they are needed; the process may end while they run."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._line: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0

    def submit(self, function: Callable[[], object]) -> None:
        """Have a function called soon, in a context of its own; it must not raise. For one thread."""
        context = contextvars.copy_context()
        self._line.put(lambda: context.run(function))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._run, name=f"{self._name}-{self._started}", daemon=True).start()

    def resize(self, most: int) -> None:
        """Run up to so many at once from now on; threads that are there stay."""
        self._most = most

    def end(self) -> None:
        """Let the threads end when they have done what was submitted."""
        for _ in range(self._started):
            self._line.put(None)

    def _run(self) -> None:
        while (function := self._line.get()) is not None:
            function()
            self._idle.release()
