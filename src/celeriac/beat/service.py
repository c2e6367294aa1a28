"""Running the scheduler of this house: rounds until told to stop, patient with a store that is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from celeriac.beat.loop import Loop
from celeriac.lib.backoff import linear
from celeriac.lib.signpost import reach
from celeriac.model.errors import OperationalError
from celeriac.worker.monitor.contact import Contact

logger = logging.getLogger("celeriac.beat")


class Rounds:
    """Calls ``tick`` of a loop again and again; ``announce`` is called before the first time."""

    def __init__(self, loop: Loop, announce: Callable[[Any], object], contact: Contact) -> None:
        self.loop = loop
        self.app = loop.app
        self._announce = announce
        self.contact = contact
        self._pulse = contact.pulse("scheduling")
        self._stopped = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Run until ``stop``."""
        self._announce(self)
        reach("beat.ready")
        try:
            self._run()
        finally:
            self._ended.set()

    def stop(self, wait: bool = False) -> None:
        """End the rounds; for any thread and for signal handlers."""
        self._stopped.set()
        if wait:
            self._ended.wait()

    def _run(self) -> None:
        pauses = None
        while not self._stopped.is_set():
            self._pulse.beat()
            try:
                with self.contact.call("schedule"):
                    pause = self.loop.tick()
                self.contact.connected = True
                if pauses is not None:
                    logger.warning("The schedule store is back.")
                pauses = None
            except OperationalError as error:
                if pauses is None:
                    logger.error("The schedule store cannot be reached, trying on: %s", error)
                    pauses = linear(0.1, 0.1, 1.0)
                pause = next(pauses)
            if pause > 0:
                self._stopped.wait(pause)
        self._pulse.end()
        self.contact.stopping = True
        try:
            self.loop.resign()
        except OperationalError as error:
            logger.warning("The lead was not given up in good order, it ends with its lease: %s", error)
