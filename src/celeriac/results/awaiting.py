"""Awaiting results: one I/O thread a process and store serves every coroutine that waits; the event loop never blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakKeyDictionary

from celeriac.contracts.backend import Notifies, ResultBackend, Watch
from celeriac.model.record import ResultRecord
from celeriac.results.waiting import ready_among

SLICE = 1.0
FIRST_POLL = 0.005
IDLE = 10.0

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[ResultRecord]"]


class Collector:
    """Owns the two threads that serve coroutines: one tells the store what to watch, one waits in it until nobody has waited for a while."""

    def __init__(self, backend: ResultBackend, interval: float) -> None:
        self._backend = backend
        self._interval = interval
        self._changed = threading.Condition()
        self._waiting: dict[str, list[Waiter]] = {}
        self._new: list[str] = []
        self._adding = False
        self._running = False
        self._watch: Watch | None = None
        self._adder = ThreadPoolExecutor(1, "celeriac-watch") if isinstance(backend, Notifies) else None

    def expect(self, id: str, loop: asyncio.AbstractEventLoop) -> asyncio.Future[ResultRecord]:
        """Return a future for the record of a task that becomes ready; called on the loop."""
        future: asyncio.Future[ResultRecord] = loop.create_future()
        with self._changed:
            self._waiting.setdefault(id, []).append((loop, future))
            self._new.append(id)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="celeriac-results", daemon=True).start()
            if self._adder is not None and not self._adding:
                self._adding = True
                self._adder.submit(self._add)
            self._changed.notify_all()
        return future

    def give_up(self, id: str, future: asyncio.Future[ResultRecord]) -> None:
        """Stop waiting for a task."""
        with self._changed:
            left = [waiter for waiter in self._waiting.get(id, ()) if waiter[1] is not future]
            if left:
                self._waiting[id] = left
            else:
                self._waiting.pop(id, None)

    def _add(self) -> None:
        assert isinstance(self._backend, Notifies)
        try:
            with self._changed:
                new, self._new, self._adding, watch = self._new, [], False, self._watch
            if watch is None:
                watch = self._backend.watch(())
                with self._changed:
                    self._watch = watch
                    new = list(self._waiting)
                    self._changed.notify_all()
            watch.add(new)
        except BaseException as error:
            self._fail(error)

    def _run(self) -> None:
        pause = FIRST_POLL
        while self._anybody():
            try:
                arrived = self._look(pause)
            except BaseException as error:
                self._fail(error)
                continue
            pause = FIRST_POLL if arrived else min(pause * 1.5, self._interval)
            for id, record in arrived.items():
                self._deliver(id, record)

    def _anybody(self) -> bool:
        with self._changed:
            if self._changed.wait_for(lambda: bool(self._waiting), IDLE):
                return True
            self._running = False
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()
        return False

    def _look(self, pause: float) -> Mapping[str, ResultRecord]:
        if self._adder is not None:
            with self._changed:
                self._changed.wait_for(lambda: self._watch is not None or not self._waiting, SLICE)
                watch = self._watch
            return {} if watch is None else watch.next(SLICE)
        with self._changed:
            if not self._new:
                self._changed.wait(pause)
            self._new = []
            ids = list(self._waiting)
        return ready_among(self._backend, ids)

    def _deliver(self, id: str, record: ResultRecord) -> None:
        with self._changed:
            waiters = self._waiting.pop(id, ())
        for loop, future in waiters:
            _tell(loop, future, record, None)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            waiting, self._waiting, self._new = self._waiting, {}, []
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()
        for waiters in waiting.values():
            for loop, future in waiters:
                _tell(loop, future, None, error)


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[ResultRecord], record: ResultRecord | None, error: BaseException | None) -> None:
    def settle() -> None:
        if future.done():
            return
        if record is not None:
            future.set_result(record)
        elif error is not None:
            future.set_exception(error)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)


_collectors: WeakKeyDictionary[ResultBackend, Collector] = WeakKeyDictionary()


async def expect(backend: ResultBackend, id: str, *, timeout: float | None, interval: float) -> ResultRecord | None:
    """Wait for one task without blocking the event loop; None when ``timeout`` (seconds) has passed."""
    collector = _collectors.get(backend)
    if collector is None:
        collector = _collectors[backend] = Collector(backend, interval)
    future = collector.expect(id, asyncio.get_running_loop())
    try:
        return await asyncio.wait_for(future, timeout)
    except TimeoutError:
        return None
    finally:
        collector.give_up(id, future)
