"""Waiting for results: one watch a process where the store can notify, polling with back-off elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from celeriac.contracts.backend import KeepsTime, Notifies, ResultBackend, Watch
from celeriac.lib.importing import symbol_by_name
from celeriac.model.record import ResultRecord
from celeriac.model.states import READY_STATES

FIRST_POLL = 0.002
SLICE = 5.0
ABANDONED = 1000

Records = Mapping[str, ResultRecord]


def wait_for(
    backend: ResultBackend, ids: Collection[str], *, timeout: float | None, interval: float, tick: Callable[[], None] | None = None
) -> Records:
    """Wait until at least one task is ready; return the ready records found, none when ``timeout`` (seconds) has passed.

    ``tick`` is called about every ``interval`` seconds; polling never pauses for longer than ``interval``.
    """
    if isinstance(backend, KeepsTime):
        return backend.wait(ids, timeout)
    deadline = None if timeout is None else time.monotonic() + timeout
    if isinstance(backend, Notifies):
        waiter = _waiter(backend)
        if tick is None:
            return waiter.wait(ids, deadline)
        while not (ready := waiter.wait(ids, _sooner(deadline, interval))) and not _passed(deadline):
            tick()
        return ready
    return _poll(backend, ids, deadline, interval, tick)


def _poll(backend: ResultBackend, ids: Collection[str], deadline: float | None, interval: float, tick: Callable[[], None] | None) -> Records:
    pause = min(FIRST_POLL, interval)
    while True:
        ready = ready_among(backend, ids)
        if ready or _passed(deadline):
            return ready
        if tick is not None:
            tick()
        time.sleep(max(0.0, _left(deadline, pause)))
        pause = min(pause * 1.5, interval)


async def arrival(backend: ResultBackend, id: str, *, timeout: float | None, interval: float) -> ResultRecord | None:
    """Wait for one task without blocking the event loop; None when ``timeout`` (seconds) has passed."""
    if isinstance(backend, KeepsTime):
        return await backend.await_one(id, timeout)
    # By name, because importing asyncio takes 30 ms, which programs without coroutines need not wait for.
    found: ResultRecord | None = await symbol_by_name("celeriac.results.awaiting:expect")(backend, id, timeout=timeout, interval=interval)
    return found


def clock_of(backend: Any) -> Callable[[], float]:
    """Return what tells the seconds by which waiting for results in this store is counted."""
    return backend.monotonic if isinstance(backend, KeepsTime) else time.monotonic


def ready_among(backend: ResultBackend, ids: Collection[str]) -> dict[str, ResultRecord]:
    """Return the records that are in a ready state."""
    return {id: record for id, record in backend.load(ids).items() if record.state in READY_STATES}


def _left(deadline: float | None, most: float) -> float:
    return most if deadline is None else min(most, deadline - time.monotonic())


def _passed(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _sooner(deadline: float | None, seconds: float) -> float:
    soon = time.monotonic() + seconds
    return soon if deadline is None else min(soon, deadline)


class _Ticket:
    __slots__ = ("bell", "ids", "ready", "watch")

    def __init__(self, ids: Collection[str]) -> None:
        self.ids = ids
        self.ready: dict[str, ResultRecord] = {}
        self.bell: threading.Event | None = None
        self.watch: Watch | None = None


class SharedWatch:
    """Owns one ``Watch`` for all threads of a process that wait on one store.

    One of the waiting threads (the leader) waits in the store and hands the others what is theirs, so a lone thread is woken once.
    """

    def __init__(self, backend: ResultBackend) -> None:
        assert isinstance(backend, Notifies)
        self._notifier: Notifies = backend
        self._backend = backend
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._tickets: dict[str, list[_Ticket]] = {}
        self._leading = False
        self._abandoned = 0

    def wait(self, ids: Collection[str], deadline: float | None) -> Records:
        """Wait until one of ``ids`` is ready or the deadline (monotonic) has passed."""
        ticket = _Ticket(ids)
        self._enter(ticket)
        try:
            while not ticket.ready:
                watch = self._watched_by(ticket)
                if self._take_lead(ticket):
                    self._lead(watch, ticket, deadline)
                elif ticket.bell is not None:
                    ticket.bell.wait(max(0.0, _left(deadline, SLICE)))
                    ticket.bell.clear()
                if _passed(deadline):
                    break
            return ticket.ready
        finally:
            self._leave(ticket)

    def _enter(self, ticket: _Ticket) -> None:
        with self._lock:
            for id in ticket.ids:
                self._tickets.setdefault(id, []).append(ticket)

    def _watched_by(self, ticket: _Ticket) -> Watch:
        with self._lock:
            watch = self._watch
            if watch is None:
                watch = self._watch = self._notifier.watch(())
                self._abandoned = 0
        if ticket.watch is not watch:
            watch.add(ticket.ids)
            ticket.watch = watch
        return watch

    def _take_lead(self, ticket: _Ticket) -> bool:
        with self._lock:
            if ticket.ready:
                return False
            if not self._leading:
                self._leading = True
                return True
            if ticket.bell is None:
                ticket.bell = threading.Event()
            return False

    def _lead(self, watch: Watch, ticket: _Ticket, deadline: float | None) -> None:
        arrived: Records = {}
        wait = max(0.0, _left(deadline, SLICE))
        started = time.monotonic()
        try:
            arrived = watch.next(wait)
            if not arrived and wait == SLICE:
                # A store that drops a notification must not make anybody wait for ever.
                if time.monotonic() - started < SLICE / 2:
                    time.sleep(FIRST_POLL)
                arrived = ready_among(self._backend, ticket.ids)
        except BaseException:
            self._drop(watch)
            raise
        finally:
            self._resign(arrived)

    def _resign(self, arrived: Records) -> None:
        with self._lock:
            self._leading = False
            for id, record in arrived.items():
                for ticket in self._tickets.get(id, ()):
                    ticket.ready[id] = record
                    if ticket.bell is not None:
                        ticket.bell.set()

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            for id in ticket.ids:
                left = [other for other in self._tickets.get(id, ()) if other is not ticket]
                if left:
                    self._tickets[id] = left
                else:
                    self._tickets.pop(id, None)
                    self._abandoned += id not in ticket.ready
            if not self._leading:
                self._wake_next_leader()
            crowded = self._watch if not self._tickets and self._abandoned > ABANDONED else None
        if crowded is not None:
            self._drop(crowded)

    def _wake_next_leader(self) -> None:
        for tickets in self._tickets.values():
            for ticket in tickets:
                if ticket.bell is not None and not ticket.ready:
                    ticket.bell.set()
                    return

    def _drop(self, watch: Watch) -> None:
        # A watch has no way to forget an id: after many waits that were given up, a new one is cheaper than a list that grows.
        with self._lock:
            if self._watch is watch:
                self._watch = None
        watch.close()


_waiters: WeakKeyDictionary[Any, SharedWatch] = WeakKeyDictionary()


def _waiter(backend: ResultBackend) -> SharedWatch:
    found = _waiters.get(backend)
    if found is None:
        found = _waiters.setdefault(backend, SharedWatch(backend))
    return found
