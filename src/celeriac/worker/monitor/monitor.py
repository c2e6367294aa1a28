"""Answers scrapes and probes, in threads of its own: nothing that works for tasks ever waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from celeriac.contracts.broker import Broker
from celeriac.lib.clock import Clock
from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import OperationalError
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.text import Family, write
from celeriac.worker.place import Place

PATIENCE = 0.5
"""Seconds that a scrape waits for the depth of queues; when the broker takes longer, it gets those of before."""
_QUIET = 5.0
"""Seconds after which the broker is asked whether it is there, where nothing else was asked of it."""
_PROBE = 1.5


class Families(Protocol):
    """What a process has to tell."""

    def families(self, monitor: "Monitor") -> list[Family]:
        """Return every metric as it is now."""


class Monitor:
    """What one process tells about itself. ``extra`` says what else makes it dead."""

    def __init__(self, contact: Contact, clock: Clock, told: Families, extra: Callable[[], list[str]] = list) -> None:
        self.contact = contact
        self.clock = clock
        self.depths: dict[str, int] = {}
        self.place: Place | None = None
        self.held: Callable[[], int] = int
        self._told = told
        self._extra = extra
        self._broker: Broker | None = None
        self.queues: Callable[[], Sequence[str]] = list
        self._wanted = threading.Event()
        self._measured = threading.Condition()
        self._measuring = False

    def start(self, descriptor: int) -> None:
        """Begin to answer at a listening socket."""
        # By name: most workers answer nobody and shall not have a web server in memory.
        symbol_by_name("celeriac.worker.monitor.server:serve")(self, descriptor)
        self.start_measuring()

    def start_measuring(self) -> None:
        """Begin to answer what needs the broker."""
        threading.Thread(target=self._measure, name="metrics-depth", daemon=True).start()

    def attach(self, broker: Broker, place: Place, queues: Callable[[], Sequence[str]], held: Callable[[], int]) -> None:
        """The worker has reached its broker."""
        self.place = place
        self.held = held
        self.queues = queues
        self._broker = broker

    # -- questions

    def metrics(self) -> str:
        """Answer a scrape."""
        self._look(PATIENCE)
        return write(self._told.families(self))

    def live(self) -> list[str]:
        """Say why this process should be started again; nothing when it should not."""
        return [*self.contact.stuck(), *self._extra()]

    def ready(self) -> list[str]:
        """Say why this process does no work at the moment."""
        if self.contact.stopping:
            return ["it is shutting down"]
        if "measure" in self.contact.failing or self._is_quiet(_QUIET):
            # Nobody else asks the broker: all places are taken, or only the last scrape found it away.
            self._look(_PROBE)
        found = self.live() + self.contact.away()
        return found or (["no answer from the broker"] if self._is_quiet(_QUIET + _PROBE) else [])

    def _is_quiet(self, seconds: float) -> bool:
        return self._broker is not None and self.clock.monotonic() - self.contact.last_success > seconds

    def started(self) -> list[str]:
        """Say why this process has not begun yet."""
        return [] if self.contact.connected else self.contact.away()

    # -- the depth of queues, by a thread that may wait for the broker

    def _look(self, patience: float) -> None:
        if self._broker is None:
            return
        with self._measured:
            if not self._measuring:
                self._measuring = True
                self._wanted.set()
                self._measured.wait_for(lambda: not self._measuring, patience)

    def _measure(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            broker = self._broker
            try:
                if broker is not None:
                    self.depths = self._depths(broker)
            finally:
                with self._measured:
                    self._measuring = False
                    self._measured.notify_all()

    def _depths(self, broker: Broker) -> dict[str, int]:
        try:
            with self.contact.call("measure"):
                return {queue: broker.depth(queue) for queue in self.queues()}
        except OperationalError:
            return {}
