"""The scheduler inside a worker: a process of its own, started again whenever it ends, and ended with the worker."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import Any

from celeriac.beat.boot import Beat
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker import children

logger = logging.getLogger("celeriac.beat")

_SOON = 5.0
_LONGEST = 30.0


class Keeper:
    """Starts the scheduler and watches it; ``stop`` ends both."""

    def __init__(self, app: Any, *, schedule: str | None = None, scheduler: Any = None) -> None:
        self._beat = Beat(app, schedule=schedule, scheduler=scheduler, quiet=True)
        self._pid = 0

    def start(self) -> None:
        """Fork the watching process; to be called before this one has threads."""
        if not hasattr(os, "fork"):
            raise ImproperlyConfigured("-B/--beat cannot be had on this platform: start  celeriac beat  beside the worker")
        self._pid = children.spawn(self._watch)

    def stop(self) -> None:
        """End the scheduler in good order."""
        if self._pid:
            children.kill(self._pid, signal.SIGTERM)

    def _watch(self) -> int:
        stopped: list[int] = []
        child = 0

        def stop(number: int, _frame: object) -> None:
            stopped.append(number)
            if child:
                children.kill(child, signal.SIGTERM)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        pause = 0.0
        while not stopped:
            began = time.monotonic()
            child = children.spawn(self._schedule)
            if stopped:
                children.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            if not stopped:
                pause = 0.1 if time.monotonic() - began > _SOON else min(_LONGEST, max(0.5, pause * 2))
                logger.error("The scheduler ended (%s); starting it again.", os.waitstatus_to_exitcode(status))
                time.sleep(pause)
        return 0

    def _schedule(self) -> int:
        self._beat.serve(self._beat.service(embedded=True))
        return 0
