"""The processes of one test run, found by a marker in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil

MARKER = "CELERIAC_TEST_RUN"


def marked(run: str) -> list[psutil.Process]:
    """Return the living processes (zombies are not) whose environment carries this run's marker."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARKER) == run:
                found.append(process)
    return found


def end_marked(run: str) -> None:
    """Kill every process of this run and wait until none is left."""
    deadline = time.monotonic() + 10
    while left := marked(run):
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        time.sleep(0.01)
        if time.monotonic() > deadline:
            raise AssertionError(f"these processes cannot be killed: {left}")


def alive(pid: int) -> bool:
    """Return whether a process runs (a zombie does not)."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time that these processes used together."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system
    return total
