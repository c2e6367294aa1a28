"""What has to be done while nobody calls: heartbeats, and giving back what arrived and nobody fetches."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from celeriac.drivers.rabbitmq.consuming import Consumption
from celeriac.model.errors import OperationalError

logger = logging.getLogger("celeriac.drivers.rabbitmq")

GRACE = 0.05
"""Seconds for which what arrived waits for the next fetch before others may have it."""


class Tender:
    """A thread that sleeps for a third of the heartbeat, or a grace period after a fetch."""

    def __init__(self, consumption: Callable[[], Consumption | None], beat_others: Callable[[], None]) -> None:
        self._consumption = consumption
        self._beat_others = beat_others
        self._left = threading.Event()
        self._closed = threading.Event()
        self._fetching = 0
        self._since = 0.0
        self.pause = 0.0
        """Seconds between the last two fetches."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def entered(self) -> None:
        """A fetch begins."""
        with self._lock:
            self._fetching += 1
            self.pause = time.monotonic() - self._since
        if self._pid != os.getpid():
            self._start()

    def left(self) -> None:
        """A fetch has ended."""
        with self._lock:
            self._fetching -= 1
            self._since = time.monotonic()
        if not self._left.is_set():
            self._left.set()

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._closed.clear()
                self._thread = threading.Thread(target=self._run, name="rabbitmq", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread; the next fetch starts another."""
        thread, self._thread = self._thread, None
        mine = self._pid == os.getpid()
        self._pid = 0
        self._closed.set()
        self._left.set()
        if thread is not None and mine and thread is not threading.current_thread():
            thread.join(1.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            consumption = self._consumption()
            pause = 1.0 if consumption is None or not consumption.link.heartbeat else consumption.link.heartbeat / 3
            busy = self._left.wait(pause)
            if self._closed.is_set():
                return
            try:
                self._tend(consumption, busy)
            except OperationalError as error:
                logger.debug("%s", error)
            except Exception:
                logger.exception("The connection to RabbitMQ could not be looked after.")

    def _tend(self, consumption: Consumption | None, busy: bool) -> None:
        if busy:
            time.sleep(GRACE)
            quiet = self._fetching == 0 and time.monotonic() - self._since >= GRACE
            if self._fetching or (quiet and not (consumption is not None and consumption.link.failure is None and consumption.give_back())):
                self._left.clear()
        if consumption is not None and consumption.link.failure is None:
            consumption.link.beat()
        self._beat_others()
