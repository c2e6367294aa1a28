"""What has to hold: a table of bars, checked on the medians of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Medians = Mapping[tuple[str, str], float]
"""(measurement, system) -> compared figure."""


@dataclass(frozen=True)
class Bar:
    """One promise; ``value`` returns None when the run did not measure what it needs."""

    text: str
    value: Callable[[Medians], float | None]
    holds: Callable[[float], bool]
    unit: str = ""


def _ours(measurement: str) -> Callable[[Medians], float | None]:
    return lambda medians: medians.get((measurement, "celeriac"))


def _times(measurement: str, peer: str) -> Callable[[Medians], float | None]:
    def ratio(medians: Medians) -> float | None:
        ours, theirs = medians.get((measurement, "celeriac")), medians.get((measurement, peer))
        return ours / theirs if ours and theirs else None

    return ratio


BARS = [
    Bar("drain: at least 30 x Celery", _times("drain", "Celery"), lambda x: x >= 30, "x"),
    Bar("drain: at least 3 x huey", _times("drain", "huey"), lambda x: x >= 3, "x"),
    Bar("drain, in-memory solo: at least 40,000 tasks/s", _ours("memory"), lambda x: x >= 40_000, "/s"),
    Bar("round trip: p50 under 6 ms", _ours("latency"), lambda x: x < 6, "ms"),
    Bar("idle worker: under 1 % of a core", _ours("idle"), lambda x: x < 1, "%"),
    Bar("worker's start to first task: under 0.5 s", _ours("start"), lambda x: x < 0.5, "s"),
    Bar("import: under 80 ms", _ours("import"), lambda x: x < 80, "ms"),
]
