"""How often things happen: counted by the second, for the last minute."""

from __future__ import annotations

from collections import Counter

KEPT = 60
"""Seconds."""
_BARS = "▁▂▃▄▅▆▇█"


class Rates:
    """Counts by kind; ``now`` is any clock's seconds."""

    def __init__(self) -> None:
        self._seconds: dict[int, Counter[str]] = {}

    def count(self, kind: str, now: float) -> None:
        """Count one."""
        second = int(now)
        found = self._seconds.get(second)
        if found is None:
            found = self._seconds[second] = Counter()
            for old in [each for each in self._seconds if each <= second - KEPT]:
                del self._seconds[old]
        found[kind] += 1

    def per_second(self, kind: str, now: float, over: int = 5) -> float:
        """Return how many there were in each of the last ``over`` whole seconds, on average."""
        return sum(self.history(kind, now, over)) / over

    def history(self, kind: str, now: float, length: int = KEPT) -> list[int]:
        """Return how many there were in each of the last ``length`` whole seconds, the oldest first."""
        return [found[kind] if (found := self._seconds.get(second)) else 0 for second in range(int(now) - length, int(now))]


def bars(values: list[int]) -> str:
    """Draw numbers as one line of bars; nothing is a space."""
    most = max(values, default=0)
    return "".join(_BARS[-(-value * len(_BARS) // most) - 1] if value else " " for value in values)
