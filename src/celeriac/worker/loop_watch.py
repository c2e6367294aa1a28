"""Notices when a loop that all tasks of a process share is held up by one of them."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable

from celeriac.lib.clock import Clock

logger = logging.getLogger("celeriac.worker")

BEAT = 0.5
"""Seconds between two beats."""

_LOOK = 1.0
_HELD_UP = 3.0


class LoopWatch:
    """Looks on from a thread of the operating system: when the loop has not beaten for three seconds, says where in the code it stands."""

    def __init__(self, thread: int, busy: Callable[[], bool], sleep: Callable[[float], object], clock: Clock) -> None:
        self._thread = thread
        self._busy = busy
        self._sleep = sleep
        self._clock = clock
        self._told = False
        self._ended = False
        self.beat()

    def beat(self) -> None:
        """The loop turns; to be called by it every ``BEAT`` seconds."""
        self._last = self._clock.monotonic()
        self._told = False

    def end(self) -> None:
        """Look no more."""
        self._ended = True

    def run(self) -> None:
        """Look, in a thread that the loop does not hold up."""
        while not self._ended:
            self._sleep(_LOOK)
            held_up = self._clock.monotonic() - self._last
            if not self._told and held_up > _HELD_UP and self._busy():
                self._told = True
                self._tell(held_up)

    def _tell(self, seconds: float) -> None:
        frame = sys._current_frames().get(self._thread)
        where = "".join(traceback.format_stack(frame)[-8:]) if frame is not None else "(not known)"
        logger.error(
            "A task has been holding up the event loop for %.1f s, and with it every other task of this worker. It must await where it waits, "
            "and leave long calculations to a thread or to the executor 'prefork'. It stands here:\n%s",
            seconds, where,
        )  # fmt: skip
