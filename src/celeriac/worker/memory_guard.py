"""Watches the memory of task processes from outside: ends one that grows too large before the kernel chooses, replaces one that is idle and large."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

from celeriac.lib.clock import Clock
from celeriac.worker import children
from celeriac.worker.deadlines import running
from celeriac.worker.machine import machine
from celeriac.worker.slots import Slot, Slots

logger = logging.getLogger("celeriac.worker.request")

_LOOK = 0.2
"""Seconds between two looks: a process may grow by a gigabyte meanwhile, seldom by more."""


class MemoryGuard:
    """Looks at the resident memory (KiB) of each task process.

    One above ``bound`` is killed, whatever it does; an idle one above ``idle`` that has run a task is asked to leave by ``let_leave``.
    """

    def __init__(
        self, slots: Slots, *, bound: int | None, idle: int | None, let_leave: Callable[[Slot], object], clock: Clock,
        memory_of: Callable[[int], int | None] | None = None,
    ) -> None:  # fmt: skip
        self._slots = slots
        self._bound = bound
        self._idle = idle
        self._let_leave = let_leave
        self._clock = clock
        self._memory_of = memory_of or resident_memory
        self._look_at = 0.0
        self._killed: dict[int, str] = {}

    def look(self) -> float | None:
        """Act on what has grown; return the seconds until the next look, None when nothing is watched."""
        if not (self._bound or self._idle):
            return None
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK
            for slot in self._slots.all():
                self._judge(slot)
        return self._look_at - now

    def reason(self, pid: int) -> str | None:
        """A process has ended: return why it was killed, if it was for its memory."""
        return self._killed.pop(pid, None)

    def _judge(self, slot: Slot) -> None:
        found = slot.look()
        if not found.pid or found.pid in self._killed:
            return
        memory = self._memory_of(found.pid) if machine().process_memory else None
        if memory is None:
            return
        if self._bound and memory > self._bound:
            self._killed[found.pid] = f"its memory ({memory} KiB) was above worker_memory_guard ({self._bound} KiB)"
            busy = running(found) if found.packet else "no task"
            logger.error("Memory guard: killing process %d, which has %d KiB (at most %d), in %s", found.pid, memory, self._bound, busy)
            children.kill(found.pid, signal.SIGKILL)
        elif self._idle and memory > self._idle and not found.packet and found.done and not slot.leaves:
            self._let_leave(slot)


def resident_memory(pid: int) -> int | None:
    """Return the resident memory of a process in KiB; None when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except (OSError, IndexError, ValueError):
        return None
