"""A thread that looks after a batch of jobs while one of them takes longer than was thought."""

from __future__ import annotations

import threading
from collections.abc import Callable

LONG = 0.02
"""Seconds after which a running job no longer keeps the rest of its batch, or finished outcomes, waiting."""

_QUIET = 5


class Courier:
    """Calls ``look`` every 20 ms while batches of several jobs run; asleep, at no cost, while jobs travel alone.

    ``look`` acts on a job that takes long and returns whether a batch is being run.
    """

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self) -> None:
        """A batch of several jobs begins."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
            self._thread.start()
        if not self._awake.is_set():
            self._awake.set()

    def _run(self) -> None:
        pause = threading.Event()
        quiet = 0
        while True:
            self._awake.wait()
            pause.wait(LONG)
            quiet = 0 if self._look() else quiet + 1
            if quiet > _QUIET:
                self._awake.clear()
                quiet = 0
