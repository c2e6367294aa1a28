"""How a process stands with its broker and its result store, and whether the loops that work for it turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celeriac.lib.clock import Clock
from celeriac.model.errors import OperationalError

STUCK = 5.0
"""Seconds after which a loop that neither turns nor waits for the broker hangs."""
HOPELESS = 300.0
"""Seconds after which a call to the broker counts as hanging too: every driver gives up long before."""
SLOW = 5.0
"""Seconds by which a call may last longer than it was to wait, before the broker counts as away."""


class Pulse:
    """Of one loop: when it turned last. ``busy`` says that it runs a task, which may take as long as it likes."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.busy = False
        self.thread = 0
        self.at = 0.0
        self._clock = clock

    def beat(self) -> None:
        """The loop turns; to be called by its thread."""
        self.thread = threading.get_ident()
        self.at = self._clock.monotonic()

    def end(self) -> None:
        """The loop has come to its end."""
        self.at = 0.0


class Contact:
    """Notes every call to the broker or result store: whether one is on its way, and how the last of each kind ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[int, tuple[str, float, float]] = {}
        self._left: dict[int, float] = {}
        self._lock = threading.Lock()
        self.pulses: list[Pulse] = []
        self.connected = False
        self.stopping = False
        self.failing: dict[str, str] = {}
        """What does not work at the moment, and why."""
        self.errors: dict[str, int] = {"connect": 0, "fetch": 0, "settle": 0}
        self.recoveries = 0
        """How often something worked again that had failed."""
        self.last_success = 0.0
        """Monotonic seconds."""
        self.last_fetch = 0.0
        """Epoch seconds."""

    def pulse(self, name: str) -> Pulse:
        """Return the pulse of a new loop."""
        pulse = Pulse(name, self._clock)
        self.pulses.append(pulse)
        return pulse

    @contextmanager
    def call(self, what: str, wait: float = 0.0) -> Iterator[None]:
        """Note a call to the store; it may wait for ``wait`` seconds where nothing is wrong."""
        thread = threading.get_ident()
        before = self._calls.get(thread)
        self._calls[thread] = what, self._clock.monotonic(), wait
        try:
            yield
        except OperationalError as error:
            self.failed(what, error)
            raise
        else:
            self._succeeded(what)
        finally:
            self._left[thread] = self._clock.monotonic()
            if before is None:
                self._calls.pop(thread, None)
            else:
                self._calls[thread] = before

    def failed(self, what: str, error: object) -> None:
        """Something did not work."""
        with self._lock:
            self.errors[what] = self.errors.get(what, 0) + 1
            self.failing[what] = str(error)

    def _succeeded(self, what: str) -> None:
        self.last_success = self._clock.monotonic()
        if what == "fetch":
            self.last_fetch = self._clock.now()
        if self.failing:
            with self._lock:
                self.recoveries += self.failing.pop(what, None) is not None

    def stuck(self) -> list[str]:
        """Say which loops hang."""
        now, found = self._clock.monotonic(), []
        for pulse in self.pulses:
            if not pulse.at or pulse.busy:
                continue
            call = self._calls.get(pulse.thread)
            if call is not None:
                if now - call[1] - call[2] > HOPELESS:
                    found.append(f"the {pulse.name} loop has been in a call to the broker ({call[0]}) for {now - call[1]:.0f} s")
                continue
            age = now - max(pulse.at, self._left.get(pulse.thread, 0.0))
            if age > STUCK:
                found.append(f"the {pulse.name} loop has not turned for {age:.1f} s")
        return found

    def away(self) -> list[str]:
        """Say what of the broker or store does not work."""
        now = self._clock.monotonic()
        found = [] if self.connected else ["not connected to the broker yet"]
        found += [f"cannot {what}: {why}" for what, why in list(self.failing.items())]
        for what, since, wait in list(self._calls.values()):
            if now - since - wait > SLOW:
                found.append(f"no answer to {what} for {now - since:.1f} s")
        return found
