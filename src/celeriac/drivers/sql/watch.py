"""Waiting for results."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping

from celeriac.contracts.backend import Watch
from celeriac.drivers.sql.results import Results
from celeriac.drivers.sql.store import RESULTS, key
from celeriac.lib.wakeup import ANY, POLL, POLL_WITHOUT_BELLS, Bell
from celeriac.model.record import ResultRecord
from celeriac.model.states import READY_STATES

FEW = 16
"""Up to so many results are waited for one by one, so that others' do not wake the waiter; more are waited for by looking at every change."""


class SqlWatch(Watch):
    """One waiter."""

    def __init__(self, results: Results, ids: Collection[str]) -> None:
        self._results = results
        self._lock = threading.Lock()
        self._wanted: dict[str, None] = dict.fromkeys(ids)
        self._bell: Bell | None = None
        self._hung_up = False
        self._closed = False
        self._waiting = 0

    def add(self, ids: Collection[str]) -> None:
        with self._lock:
            self._wanted.update(dict.fromkeys(ids))
            if self._bell is not None:
                self._bell.ring()

    def next(self, timeout: float) -> Mapping[str, ResultRecord]:
        deadline = time.monotonic() + timeout
        with self._lock:
            self._waiting += 1
        found = {} if self._closed else self._look()
        try:
            while not found and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._arm()
                began = time.monotonic()
                found = self._look()
                if not found:
                    # Looking for many takes a while: let as much time pass before the next look.
                    self._pause(min(left, POLL), time.monotonic() - began)
        finally:
            self._leave()
        return {} if self._closed else found

    def _leave(self) -> None:
        with self._lock:
            self._waiting -= 1
            if self._bell is not None:
                self._bell.disarm()
                if self._closed and not self._waiting:
                    self._bell.close()

    def _look(self) -> dict[str, ResultRecord]:
        with self._lock:
            wanted = list(self._wanted)
        found = {}
        for task_id in wanted:
            record = self._results.get(task_id)
            if record is not None and record.state in READY_STATES:
                found[task_id] = record
        with self._lock:
            for task_id in found:
                self._wanted.pop(task_id, None)
        return found

    def _arm(self) -> None:
        with self._lock:
            if not self._hung_up:
                self._hung_up = True
                self._bell = self._results.store.bells.bell()
            if self._bell is not None and not self._closed:
                keys = [key(task_id) for task_id in self._wanted] if len(self._wanted) <= FEW else [ANY]
                self._bell.arm(RESULTS, keys)

    def _pause(self, seconds: float, cost: float) -> None:
        if self._bell is None:
            time.sleep(min(seconds, POLL_WITHOUT_BELLS))
            return
        self._bell.wait(seconds)
        if cost > 0.001 and not self._closed:
            time.sleep(min(cost, seconds, 0.05))

    def close(self) -> None:
        with self._lock:
            first, self._closed = not self._closed, True
            if self._bell is None or not first:
                return
            if self._waiting:
                self._bell.ring()
            else:
                self._bell.close()
