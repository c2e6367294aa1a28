"""The connections of one process: opened when first used, shared by its threads, opened anew after a fork."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import Broker


class Connections:
    """Owns one broker and one result backend a process."""

    def __init__(self, open_broker: Callable[[], Broker], open_backend: Callable[[], ResultBackend | None]) -> None:
        self._open_broker = open_broker
        self._open_backend = open_backend
        self._reset()

    def _reset(self) -> None:
        # What a parent opened is left alone: closing it here would end its sessions too.
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._broker: Broker | None = None
        self._backend: ResultBackend | None = None
        self._backend_known = False
        self._opened: list[Broker | ResultBackend] = []
        # Stores that leave something behind (doorbells, a log to be folded in) are closed when the program ends.
        weakref.finalize(self, _close_all, self._pid, self._opened)

    @property
    def broker(self) -> Broker:
        """This process's broker."""
        if self._pid != os.getpid():
            self._reset()
        found = self._broker
        if found is None:
            with self._lock:
                found = self._broker
                if found is None:
                    found = self._broker = self._open_broker()
                    self._opened.append(found)
        return found

    @property
    def backend(self) -> ResultBackend | None:
        """This process's result backend, or None when results are disabled."""
        if self._pid != os.getpid():
            self._reset()
        if not self._backend_known:
            with self._lock:
                if not self._backend_known:
                    self._backend = self._open_backend()
                    self._backend_known = True
                    if self._backend is not None:
                        self._opened.append(self._backend)
        return self._backend

    def close(self) -> None:
        """Close what this process opened; the next use opens it again."""
        if self._pid != os.getpid():
            self._reset()
            return
        with self._lock:
            self._broker = self._backend = None
            self._backend_known = False
            _close_all(self._pid, self._opened)


def _close_all(pid: int, opened: list[Broker | ResultBackend]) -> None:
    while opened and pid == os.getpid():
        opened.pop().close()
