"""What a program may ask of its platform; the exit statuses are those of sysexits.h."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from typing import Any

SYSTEM = platform.system()
IS_macOS = sys.platform == "darwin"
IS_WINDOWS = sys.platform == "win32"
EX_OK = 0
EX_FAILURE = 1
EX_USAGE = 64
EX_UNAVAILABLE = 69


def close_open_fds(keep: Iterable[Any] | None = None) -> None:
    """Close every file descriptor but 0, 1, 2 and those to keep (numbers, or objects with ``fileno``)."""
    kept = sorted({0, 1, 2, *(each if isinstance(each, int) else each.fileno() for each in keep or ())})
    for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")]):
        os.closerange(low + 1, high)
