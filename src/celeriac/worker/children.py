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
    memory: int | None = None
    """The most resident memory that it has had (KiB), where the system tells."""

    @property
    def reason(self) -> str:
        """Say in words how it ended."""
        if self.signal is not None:
            return f"signal {self.signal} ({signal.Signals(self.signal).name})"
        return f"exit status {self.status}"


class Stopped(Value, frozen=True):
    """A child that was stopped by a signal (SIGSTOP and its like): it lives and does nothing until it is continued."""

    pid: int


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


def reap() -> list[Ended | Stopped]:
    """Return the children that have ended, or were stopped, since the last call."""
    found: list[Ended | Stopped] = []
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return found
        if not pid:
            return found
        if os.WIFSTOPPED(status):
            found.append(Stopped(pid))
            continue
        code = os.waitstatus_to_exitcode(status)
        memory = in_kib(used.ru_maxrss)
        found.append(Ended(pid, code, None, memory) if code >= 0 else Ended(pid, None, -code, memory))


def was_stopped(pid: int) -> bool:
    """Whether this child was stopped since the last call; says nothing of its end."""
    if not hasattr(os, "waitid"):
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG) is not None
    except ChildProcessError:
        return False


def stands_still(pid: int) -> bool:
    """Whether a process is stopped at this moment, as far as the system tells (/proc)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] == b"T"
    except OSError:
        return False


def in_kib(peak: int) -> int:
    """Return the peak of resident memory as the system counts it (macOS: bytes) in KiB."""
    return peak // 1024 if sys.platform == "darwin" else peak


def kill(pid: int, number: int | None = None) -> None:
    """Send a signal (SIGKILL where none is named) to a child that may be gone already."""
    try:
        os.kill(pid, signal.SIGKILL if number is None else number)
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
