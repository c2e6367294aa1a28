"""How long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator


def exponential(
    attempt: int,
    *,
    factor: float = 1.0,
    maximum: float = 600.0,
    jitter: bool = False,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return the seconds before try number ``attempt`` + 1: ``min(maximum, factor * 2 ** attempt)``.

    With ``jitter`` a uniform draw between 0 and that value (full jitter; AWS Architecture Blog, "Exponential Backoff And Jitter").
    """
    seconds = min(maximum, factor * 2.0 ** min(attempt, 62))
    return uniform(0.0, seconds) if jitter else seconds


def linear(start: float, step: float, maximum: float) -> Iterator[float]:
    """Yield the pauses of a publish retry policy: start, start + step, ... up to ``maximum`` (seconds), without end."""
    pause = start
    while True:
        yield min(pause, maximum)
        pause += step
