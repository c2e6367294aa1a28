"""Exceptions that a signal handler raises into running code (time limits), kept away from where they would break something.

A handler that raises does so between any two instructions of the main thread, also between taking a lock and remembering to release it.
Code that must not be cut in two is wrapped in ``with uninterrupted``; handlers call ``interrupt(error)``, which raises at once elsewhere
and inside waits for the end of the block.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType


class _Uninterrupted:
    """The one such block of this process's main thread; entering it again is harmless. In other threads, where no handler runs, it does nothing."""

    def __init__(self) -> None:
        self._depth = 0
        self._pending: BaseException | None = None
        self._main = threading.main_thread().ident

    def __enter__(self) -> None:
        if threading.get_ident() == self._main:
            self._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if threading.get_ident() == self._main:
            self._depth -= 1
            if self._pending is not None and self._depth == 0:
                pending, self._pending = self._pending, None
                raise pending

    def interrupt(self, error: BaseException) -> None:
        """Raise ``error`` in the main thread, now or at the end of the block it is in; to be called by signal handlers."""
        if self._depth:
            self._pending = error
        else:
            raise error

    def start_afresh(self) -> None:
        """A forked child's main thread is the one that forked."""
        self._depth, self._pending = 0, None
        self._main = threading.get_ident()


uninterrupted = _Uninterrupted()
interrupt = uninterrupted.interrupt
os.register_at_fork(after_in_child=uninterrupted.start_afresh)
