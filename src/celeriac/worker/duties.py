"""Small things that have to be done every so often, in a thread of their own so that nothing holds them back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from celeriac.lib.clock import Clock
from celeriac.lib.service import Service
from celeriac.lib.value import Value
from celeriac.model.errors import OperationalError

logger = logging.getLogger("celeriac.worker.duties")


class Duty(Value, frozen=True):
    """Something to do every ``interval`` seconds."""

    name: str
    interval: float
    act: Callable[[], object]
    first: float | None = None
    """Seconds until the first time, where that is another."""
    shared: Callable[[], float] = lambda: 1.0
    """How many times as much time may pass, because others do the same."""


class Duties(Service):
    """Runs duties in turn; a duty that fails is logged and tried again at its next time."""

    def __init__(self, duties: Sequence[Duty], clock: Clock) -> None:
        self._duties = duties
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="duties", daemon=True)

    def add(self, duty: Duty) -> None:
        """Take on another duty; before ``start``."""
        self._duties = [*self._duties, duty]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def join(self, timeout: float | None = None) -> bool:
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        begun = self._clock.monotonic()
        due = {duty.name: begun + (duty.interval if duty.first is None else duty.first) for duty in self._duties}
        while due:
            pause = min(due.values()) - self._clock.monotonic()
            if self._stopped.wait(max(0.0, pause)):
                return
            for duty in self._duties:
                now = self._clock.monotonic()
                if due[duty.name] <= now:
                    _do(duty)
                    due[duty.name] = now + duty.interval * duty.shared()


def _do(duty: Duty) -> None:
    try:
        duty.act()
    except OperationalError as error:
        logger.warning("Cannot %s: %s. Trying again in %.1fs.", duty.name, error, duty.interval)
    except Exception:
        logger.exception("Could not %s.", duty.name)
