"""A connection that is made when it is first used and again after it failed; what hangs on it is rebuilt with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from celeriac.drivers.rabbitmq.link import Link

T = TypeVar("T")


class Session(Generic[T]):
    """Holds what ``build`` made of a new link; a process forked off makes its own."""

    def __init__(self, open_link: Callable[[], Link], build: Callable[[Link], T]) -> None:
        self._open_link = open_link
        self._build = build
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._current: tuple[Link, T] | None = None

    def get(self) -> T:
        """Return what hangs on a living connection; raises OperationalError when none can be made."""
        found = self._current
        if found is not None and found[0].failure is None and self._pid == os.getpid():
            return found[1]
        self._leave_parent()
        with self._lock:
            found = self._current
            if found is None or found[0].failure is not None:
                self._let_go()
                link = self._open_link()
                try:
                    found = self._current = (link, self._build(link))
                except BaseException:
                    link.close()
                    raise
            return found[1]

    def peek(self) -> T | None:
        """Return what there is, living or not."""
        found = self._current
        return None if found is None or self._pid != os.getpid() else found[1]

    def _leave_parent(self) -> None:
        if self._pid != os.getpid():
            found = self._current
            self._start_afresh()
            if found is not None:
                found[0].drop()

    def _let_go(self) -> None:
        if self._current is not None:
            self._current[0].close()
            self._current = None

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        self._leave_parent()
        with self._lock:
            self._let_go()
