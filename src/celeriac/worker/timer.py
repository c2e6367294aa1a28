"""The timer that steps get: one thread that calls functions when they are due."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celeriac.lib.clock import Clock

logger = logging.getLogger("celeriac.worker")


class Entry:
    """A call that is to come, once or again and again."""

    def __init__(self, call: Callable[[], Any], every: float | None = None) -> None:
        self.call = call
        self.every = every
        self.canceled = False

    def cancel(self) -> None:
        """Call it no more."""
        self.canceled = True

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.canceled


class Timer:
    """Calls in the order in which they are due, one at a time: one that takes long holds up the others, and nothing else of the worker.

    ``on_exit`` is called when a function raises SystemExit. The thread starts with the first call.
    """

    def __init__(self, clock: Clock, on_exit: Callable[[], object]) -> None:
        self._clock = clock
        self._on_exit = on_exit
        self._line: list[tuple[float, int, Entry]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._ended = False
        self._thread: threading.Thread | None = None

    def call_repeatedly(
        self, secs: float, fun: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, priority: int = 0
    ) -> Entry:
        """Call a function every ``secs`` seconds, for the first time after as long; return what cancels it."""
        return self._enter(float(secs), Entry(_bound(fun, args, kwargs), float(secs)))

    def call_after(
        self, secs: float, fun: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, priority: int = 0
    ) -> Entry:
        """Call a function in ``secs`` seconds."""
        return self._enter(float(secs), Entry(_bound(fun, args, kwargs)))

    def call_at(
        self, eta: float, fun: Callable[..., Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, priority: int = 0
    ) -> Entry:
        """Call a function at a time (epoch seconds)."""
        return self._enter(float(eta) - self._clock.now(), Entry(_bound(fun, args, kwargs)))

    def cancel(self, entry: Entry) -> None:
        """Cancel a call."""
        entry.cancel()

    def stop(self) -> None:
        """Call nothing any more; waits a moment for what is being called."""
        with self._changed:
            self._ended = True
            self._line.clear()
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _enter(self, seconds: float, entry: Entry) -> Entry:
        with self._changed:
            heapq.heappush(self._line, (self._clock.monotonic() + max(0.0, seconds), next(self._numbers), entry))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="steps' timer", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return entry

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            try:
                entry.call()
            except SystemExit:
                logger.error("A step's timer has asked for the worker's end (SystemExit).")
                self._on_exit()
            except Exception:
                logger.exception("A call of a step's timer failed; the timer goes on.")

    def _next(self) -> Entry | None:
        with self._changed:
            while not self._ended:
                now = self._clock.monotonic()
                if self._line and self._line[0][0] <= now:
                    entry = heapq.heappop(self._line)[2]
                    if entry.canceled:
                        continue
                    if entry.every is not None:
                        heapq.heappush(self._line, (now + max(0.001, entry.every), next(self._numbers), entry))
                    return entry
                self._changed.wait(self._line[0][0] - now if self._line else None)
        return None


def _bound(fun: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Callable[[], Any]:
    return lambda: fun(*args, **(kwargs or {}))
