"""Unique identifiers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

IdSource = Callable[[], str]


def uuid(_random: Callable[[int], bytes] = os.urandom, _now: Callable[[], int] = time.time_ns) -> str:
    """Return a version 7 UUID as text: ids made later sort later, so stores append them instead of scattering them over their index.

    12 of its random bits are the fraction of the millisecond, 62 are random. Source: RFC 9562, sections 5.7 and 6.2 (method 3).
    """
    milliseconds, rest = divmod(_now(), 1_000_000)
    random = _random(8).hex()
    variant = "89ab"[int(random[0], 16) & 3]
    stamp = f"{milliseconds:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{rest * 4096 // 1_000_000:03x}-{variant}{random[1:4]}-{random[4:]}"


def made_at(text: str) -> float | None:
    """Return when a version 7 UUID was made (epoch seconds), None for text that is none."""
    if len(text) != 36 or text[14] != "7":
        return None
    try:
        return int(text[:8] + text[9:13], 16) / 1000.0
    except ValueError:
        return None
