"""Waiting on conditions instead of sleeping."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = float(os.environ.get("CELERIAC_TEST_PATIENCE", "2"))
"""Every timeout is multiplied by this; slow machines set it to 3 or so."""


def eventually(ask: Callable[[], T], what: str, *, timeout: float = 10.0, pause: float = 0.01, explain: Callable[[], str] = str) -> T:
    """Ask until the answer is true and return it; fail naming ``what`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout * PATIENCE:g} s still not: {what}\n{explain()}")
        time.sleep(pause)
