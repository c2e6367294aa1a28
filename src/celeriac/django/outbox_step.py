"""The sweep of the outbox in a worker: a thread beside remote control."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.db import close_old_connections

from celeriac.bootsteps import StartStopStep
from celeriac.django.outbox import databases, sweep
from celeriac.lib.signpost import reach
from celeriac.model.errors import ImproperlyConfigured, OperationalError

logger = logging.getLogger("celeriac.outbox")

PAUSE = 5.0
"""Seconds between two sweeps."""


class OutboxStep(StartStopStep):
    """Begins and ends with the worker."""

    label = "the outbox"

    def create(self, parent: Any) -> Any:
        """Return the thread."""
        return Sweeper(parent.app)


class Sweeper:
    """Sweeps until it is stopped."""

    def __init__(self, app: Any, pause: float = PAUSE) -> None:
        self._app = app
        self._pause = pause
        self._stopped = threading.Event()
        self._away = False

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self.run, name="outbox", daemon=True).start()

    def stop(self) -> None:
        """End, after the sweep that runs."""
        self._stopped.set()

    def run(self) -> None:
        """Sweep every so often."""
        while True:
            try:
                self._sweep()
            except ImproperlyConfigured as error:
                logger.warning("Nobody here looks after messages in the outbox: %s", error)
                return
            finally:
                close_old_connections()
            if self._stopped.wait(self._pause):
                return

    def _sweep(self) -> None:
        try:
            for using in databases():
                count = sweep(self._app, using)
                if count:
                    logger.info("Sent %d messages that were left in the outbox.", count)
            self._away = False
            reach("outbox.swept")
        except OperationalError as error:
            if not self._away:
                logger.warning("The outbox cannot be looked at, trying on: %s", error)
            self._away = True
        except ImproperlyConfigured:
            raise
        except Exception:
            logger.exception("The outbox could not be swept.")
