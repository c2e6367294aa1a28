"""Enforcing time limits from outside: a soft one by a signal, a hard one by killing the task process."""

from __future__ import annotations

import logging
import os
import signal

from celeriac.lib.clock import Clock
from celeriac.worker import children
from celeriac.worker.machine import machine
from celeriac.worker.packets import decode_packet
from celeriac.worker.requests import Request
from celeriac.worker.slots import Slot, Slots, Snapshot

logger = logging.getLogger("celeriac.worker.request")


PATIENCE = 1.5
"""Seconds after which a job that was terminated by a signal that ends processes is killed."""

_ENDING = frozenset(machine().ending_signals)


class Deadlines:
    """Looks at the slots and acts on those whose limits have passed."""

    def __init__(self, slots: Slots, clock: Clock) -> None:
        self._slots = slots
        self._clock = clock
        self.killed: dict[int, float] = {}
        """The hard limit (seconds) that was exceeded, by the process id that was killed for it."""
        self._terminated: dict[int, Request] = {}
        self._patience: dict[int, tuple[float, Request]] = {}

    def enforce(self) -> float | None:
        """Act on every limit that has passed; return the seconds until the next one, None when no running job has one."""
        now = self._clock.monotonic()
        left = [seconds for each in list(self._patience.values()) if (seconds := self._insist(*each, now)) is not None]
        left += [seconds for slot in self._slots.all() if (seconds := self._enforce(slot, now)) is not None]
        nearest = min(left, default=None)
        self._slots.next_look = float("inf") if nearest is None else now + nearest
        return nearest

    def terminate(self, request: Request) -> None:
        """End a job by a signal, if it is still the one that was meant."""
        slot = self._slots.slot(request.index)
        if not _runs(slot, request):
            return
        slot.doom(request.packet, request.claimed)
        self._terminated[request.pid] = request
        if request.signal in _ENDING:
            self._patience[request.pid] = (self._clock.monotonic() + PATIENCE, request)
        children.kill(request.pid, request.signal)

    def forget(self, pid: int, slot: Snapshot) -> int | None:
        """A process has ended: return the signal with which remote control had the job ended that it had in hand, if that is how it was."""
        self._patience.pop(pid, None)
        request = self._terminated.pop(pid, None)
        return request.signal if request is not None and (request.packet, request.claimed) == (slot.packet, slot.claimed) else None

    def _insist(self, when: float, request: Request, now: float) -> float | None:
        """Kill a process that was told to end and does not, because it is deep in foreign code."""
        if not _runs(self._slots.slot(request.index), request):
            del self._patience[request.pid]
            return None
        if now < when:
            return when - now
        del self._patience[request.pid]
        children.kill(request.pid, signal.SIGKILL)
        return None

    def _enforce(self, slot: Slot, now: float) -> float | None:
        pid, since, soft, hard = slot.deadlines()
        if not pid or not (soft or hard) or pid in self.killed:
            return None
        if hard and now >= hard:
            limit = self.killed[pid] = round(hard - since, 6)
            logger.error("Hard time limit (%gs) exceeded for %s", limit, running(slot.look()))
            os.kill(pid, signal.SIGKILL)
            return None
        if soft and now >= soft:
            logger.warning("Soft time limit (%gs) exceeded for %s", round(soft - since, 6), running(slot.look()))
            slot.soft_passed()
            os.kill(pid, signal.SIGUSR1)
            soft = 0.0
        ahead = [deadline - now for deadline in (soft, hard) if deadline]
        return max(0.0, min(ahead)) if ahead else None


def _runs(slot: Slot, request: Request) -> bool:
    found = slot.look()
    return found.pid == request.pid and found.packet == request.packet and found.claimed == request.claimed and found.reported < found.claimed


def running(slot: Snapshot) -> str:
    """Name the job that a process runs, as name[id]; a packet too large for its slot leaves it unnamed."""
    if not slot.content or not slot.claimed:
        return f"a job of process {slot.pid}"
    headers = decode_packet(slot.content).jobs[slot.claimed - 1].delivery.envelope.headers
    return f"{headers.get('task')}[{headers.get('id')}]"
