"""Waiting until a queue has something."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

from celeriac.drivers.sql.store import SqlStore, place
from celeriac.lib.wakeup import POLL, POLL_WITHOUT_BELLS, Bell
from celeriac.model.envelope import Delivery


class QueueWaiters:
    """The threads of one broker that wait; each has a bell while it does, and bells are used again."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[Bell] = []
        self._busy: list[Bell] = []
        self._lost: set[Bell] = set()
        self._closed = False
        self._woken = False

    def open(self) -> None:
        """Allow waiting (again)."""
        if self._pid != os.getpid():
            self._start_afresh()
        self._closed = False

    def close(self) -> None:
        """Wake everybody who waits; nobody waits any more."""
        if self._pid != os.getpid():
            self._start_afresh()
        with self._lock:
            self._closed = True
            for bell in self._busy:
                bell.ring()
            idle, self._idle = self._idle, []
        for bell in idle:
            bell.close()

    def wake(self) -> None:
        """Let those who wait return now; when nobody does, the next one will not wait."""
        if self._pid != os.getpid():
            self._start_afresh()
        with self._lock:
            self._woken = True
            for bell in self._busy:
                bell.ring()

    def wait(
        self, queues: Sequence[str], seconds: float, look: Callable[[], tuple[bool, float | None]], take: Callable[[], list[Delivery]]
    ) -> list[Delivery]:
        """Wait until ``look`` says that there is something and ``take`` gets it; an empty list when ``seconds`` have passed or on ``close``."""
        if self._pid != os.getpid():
            self._start_afresh()
        deadline = time.monotonic() + seconds
        bell = self._borrow()
        try:
            while not self._closed:
                if bell is not None:
                    self._arm(bell, queues)
                there, due = look()
                found = take() if there else []
                left = deadline - time.monotonic()
                if found or left <= 0 or self._woken:
                    self._woken = False
                    return found
                if due is not None:
                    left = min(left, max(0.0, due - self._store.clock.now()))
                self._pause(bell, left)
            return []
        finally:
            self._give_back(bell)

    def _pause(self, bell: Bell | None, seconds: float) -> None:
        if bell is None:
            threading.Event().wait(min(seconds, POLL_WITHOUT_BELLS))
        else:
            bell.wait(min(seconds, POLL))

    def _arm(self, bell: Bell, queues: Sequence[str]) -> None:
        if not all(bell.arm(place("queue", queue)) for queue in queues):
            self._lost.add(bell)

    def pass_on(self, queues: Sequence[str]) -> None:
        """Wake one other who waits for these queues."""
        for queue in queues:
            self._store.bells.ring_one(place("queue", queue))

    def _borrow(self) -> Bell | None:
        with self._lock:
            bell = self._idle.pop() if self._idle else self._store.bells.bell()
            if bell is not None:
                self._busy.append(bell)
            return bell

    def _give_back(self, bell: Bell | None) -> None:
        if bell is None:
            return
        bell.disarm()
        with self._lock:
            self._busy.remove(bell)
            if not self._closed and bell not in self._lost:
                self._idle.append(bell)
                return
            self._lost.discard(bell)
        bell.close()
