"""The threads executor: many threads in one process. For tasks that wait (network, disk, C code without the GIL)."""

from __future__ import annotations

import sys

from celeriac.worker.executors.pooled import Pooled
from celeriac.worker.parts import Station

_SWITCH_INTERVAL = 0.0005
"""Seconds: the fetching and the writing thread take their turns among many runners in short steps."""


class Threads(Pooled):
    """Runs jobs in threads. Nothing can end a thread, so there are no time limits."""

    def work(self, station: Station) -> None:
        sys.setswitchinterval(_SWITCH_INTERVAL)
        super().work(station)
