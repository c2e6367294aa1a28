"""Starting and reaping child processes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable

from celeriac.lib.value import Value
from celeriac.worker.machine import machine

_PR_SET_PDEATHSIG = 1


class Ended(Value, frozen=True):
    """A child that ended; one of ``status`` (exit code) and ``signal`` is set."""

    pid: int
    status: int | None
    signal: int | None

    @property
    def reason(self) -> str:
        """Say in words how it ended."""
        if self.signal is not None:
            return f"signal {self.signal} ({signal.Signals(self.signal).name})"
        return f"exit status {self.status}"


def spawn(main: Callable[[], int]) -> int:
    """Fork a child that runs ``main`` and exits with what it returns; return its process id.

    The child dies with its parent, also when that is killed (Linux: prctl(2), PR_SET_PDEATHSIG).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with(parent)
        status = main()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        _flush_standard_streams()
        os._exit(status)


def reap() -> list[Ended]:
    """Return the children that have ended since the last call."""
    ended: list[Ended] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        code = os.waitstatus_to_exitcode(status)
        ended.append(Ended(pid, code, None) if code >= 0 else Ended(pid, None, -code))


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a child that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def die_with(parent: int | None) -> None:
    """Let the kernel end this process when its parent ends, if it can; None when another process stands between the two."""
    if parent is None:
        return
    if machine().parent_death:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _flush_standard_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
