"""Until when a call of this thread has to be over: said by whoever promised it, asked wherever something may take long."""

from __future__ import annotations

import threading
import time

_LEAST = 0.001


class _Ends(threading.local):
    at: float | None = None


_ends = _Ends()


def begin(seconds: float) -> float | None:
    """Let what this thread does end after ``seconds``, unless it has to earlier anyway; return what is to be given to ``restore``."""
    before = _ends.at
    at = time.monotonic() + seconds
    _ends.at = at if before is None or at < before else before
    return before


def restore(before: float | None) -> None:
    """What had to end has ended."""
    _ends.at = before


def left() -> float | None:
    """Return how many seconds this thread has, 0 when it has none any more, None when nobody set an end."""
    at = _ends.at
    return None if at is None else max(0.0, at - time.monotonic())


def at_most(seconds: float) -> float:
    """Return how long to wait for something that may take ``seconds``: less if there is less time left, but always a moment."""
    at = _ends.at
    return seconds if at is None else max(_LEAST, min(seconds, at - time.monotonic()))
