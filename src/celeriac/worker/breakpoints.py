"""The signal that opens a debugger where a process stands."""

from __future__ import annotations

import os
import signal
from types import FrameType

from celeriac.lib.importing import symbol_by_name

VARIABLE = "CELERY_RDBSIG"
"""The environment variable that asks for it."""


def listen() -> None:
    """Let USR2 stop this process in ``contrib.rdb`` from now on, if that is wanted and there is such a signal."""
    if os.environ.get(VARIABLE) and hasattr(signal, "SIGUSR2"):
        signal.signal(signal.SIGUSR2, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    # By name: the debugger stands above the worker, and hardly a worker is ever asked for one.
    symbol_by_name("celeriac.contrib.rdb:set_trace")(frame)
