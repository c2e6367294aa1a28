"""The supervisor: starts and replaces the other processes, enforces limits, owns the shutdown. No network, nothing that can block."""

from __future__ import annotations

import logging
import os
import select
import signal
from collections import deque
from collections.abc import Callable, Sequence

from celeriac.lib.clock import Clock
from celeriac.lib.signpost import reach
from celeriac.worker import children, notices
from celeriac.worker.children import Ended, Stopped
from celeriac.worker.deadlines import Deadlines
from celeriac.worker.memory_guard import MemoryGuard
from celeriac.worker.notices import Notice
from celeriac.worker.packets import LEAVE, LOOK, Channel, Packet, encode
from celeriac.worker.requests import decode
from celeriac.worker.shutdown import Phase, Shutdown
from celeriac.worker.slots import Slots, State

logger = logging.getLogger("celeriac.worker")

FATAL = 3
"""The exit status of a consumer that another try would not help."""

_LEAVE_PACKET = encode(Packet(LEAVE, ()))
_LOOK_PACKET = encode(Packet(LOOK, ()))

_SOON = 1.0
_LEAVING = 5.0
_COLD_LIMIT = 10.0
_UNTOLD_PAUSE = 0.05
_STOPPED = 1.0
"""Seconds after which a process that was stopped by a signal is continued: it may have jobs in hand that nobody else can run."""


class Supervisor:
    """One thread that sleeps until a signal, a child's end or the nearest deadline."""

    def __init__(
        self,
        *,
        slots: Slots,
        jobs: Channel,
        control: Channel,
        requests: Channel,
        shutdown: Shutdown,
        deadlines: Deadlines,
        guard: MemoryGuard,
        loads: list[bytes],
        consumer: Callable[[int], int],
        task_process: Callable[[int], int],
        reap: Callable[[], Sequence[Ended | Stopped]],
        wakeup: int,
        clock: Clock,
    ) -> None:
        self._slots = slots
        self._jobs = jobs
        self._control = control
        self._requests = requests
        self._shutdown = shutdown
        self._deadlines = deadlines
        self._guard = guard
        self._loads = loads
        self._remembered: dict[str, bytes] = {}
        self._begin_consumer = consumer
        self._begin_task_process = task_process
        self._reap = reap
        self._wakeup = wakeup
        self._clock = clock
        self._consumer = 0
        self._consumer_started = 0.0
        self._generation = 0
        self._processes: dict[int, tuple[int, float]] = {}
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._failures = self._status = 0
        self._starting: set[int] = set()
        self._leaving = 0
        self._untold: deque[bytes | Callable[[], None]] = deque()

    def run(self) -> int:
        """Run until everything has ended; return the worker's exit status."""
        for index in range(self._slots.count):
            self._start_task_process(index)
        self._start_consumer()
        reach("supervisor.ready")
        while self._consumer or self._processes or not self._shutdown.begun:
            self._sleep(self._deadlines.enforce(), self._guard.look())
            self._read_requests()
            self._shutdown.listen()
            self._start_what_is_due()
            self._send_notices()
            for ended in self._reap():
                self._bury(ended)
            self._restaff()
            self._advance_shutdown()
        return self._status or (1 if self._shutdown.phase is Phase.COLD else 0)

    def _sleep(self, *pauses: float | None) -> None:
        now = self._clock.monotonic()
        ends = [now + pause for pause in pauses if pause is not None]
        ends += [when for when, _ in self._due]
        ends += [when for when in (self._shutdown.next_step,) if when is not None]
        ends += [now + _UNTOLD_PAUSE] if self._untold else []
        pause = None if not ends else max(0, int((min(ends) - now) * 1000) + 1)
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if poll.poll(pause):
            os.read(self._wakeup, 4096)

    # what the consumer asks for

    def _read_requests(self) -> None:
        while content := self._requests.receive(block=False):
            request = decode(content)
            if request.kind == "terminate":
                self._deadlines.terminate(request)
            elif request.kind == "shutdown":
                self._shutdown.ask()
            elif request.kind == "restart":
                self._replace_all(request.what)
            elif request.kind == "remember":
                self._remembered[request.key] = request.what
            else:
                logger.info("The pool is to have %d task processes (%d before).", request.count, self._slots.count)
                self._slots.count = request.count

    def _replace_all(self, load: bytes) -> None:
        """Let every process leave when it is idle; a new one, which loads what has changed, takes its place."""
        if load and load not in self._loads:
            self._loads.append(load)
        for pid, (index, _) in self._processes.items():
            slot = self._slots.slot(index)
            if slot.look().pid == pid:
                slot.let_leave()
                self._jobs.try_send(_LOOK_PACKET)

    def _restaff(self) -> None:
        """Have as many task processes as there are to be: start some, or let whichever are idle first leave."""
        if self._shutdown.begun:
            return
        wanted, there = self._slots.count, len(self._processes) + len(self._starting)
        for index in range(self._slots.capacity if there < wanted else 0):
            if there < wanted and index not in self._starting and not self._slots.slot(index).look().pid:
                self._start_task_process(index)
                there += 1
        while there - self._leaving > wanted and self._jobs.try_send(_LEAVE_PACKET):
            self._leaving += 1

    # starting

    def _start_task_process(self, index: int) -> None:
        if self._shutdown.begun and not self._consumer:
            return
        self._starting.discard(index)
        slot = self._slots.slot(index)
        slot.prepare()
        pid = self._begin_task_process(index)
        slot.occupy(pid)
        self._processes[pid] = (index, self._clock.monotonic())

    def _start_consumer(self) -> None:
        generation = self._generation
        self._generation += 1
        self._consumer_started = self._clock.monotonic()
        self._consumer = self._begin_consumer(generation)
        for what in self._remembered.values() if generation else ():
            self._tell(Notice("again", what=what))
        if self._shutdown.begun:
            self._tell(Notice("stop"))

    def _start_what_is_due(self) -> None:
        now = self._clock.monotonic()
        due = [start for when, start in self._due if when <= now]
        self._due = [(when, start) for when, start in self._due if when > now]
        for start in due:
            start()

    def _again(self, start: Callable[[], None], lived: float) -> None:
        """Start something again: at once, or after a growing pause when it did not live long."""
        self._failures = self._failures + 1 if lived < _SOON else 0
        pause = 0.0 if self._failures < 3 else min(5.0, 0.1 * 2 ** min(self._failures, 10))
        self._due.append((self._clock.monotonic() + pause, start))

    def _continue_soon(self, pid: int) -> None:
        logger.warning("Process %d was stopped by a signal; it will be continued.", pid)
        self._due.append((self._clock.monotonic() + _STOPPED, lambda: self._continue(pid)))

    def _continue(self, pid: int) -> None:
        if pid in self._processes or pid == self._consumer:
            children.kill(pid, signal.SIGCONT)

    # ending

    def _bury(self, ended: Ended | Stopped) -> None:
        if isinstance(ended, Stopped):
            self._continue_soon(ended.pid)
        elif ended.pid == self._consumer:
            self._bury_consumer(ended)
        elif ended.pid in self._processes:
            self._bury_task_process(ended)

    def _bury_consumer(self, ended: Ended) -> None:
        self._consumer = 0
        if ended.status == 0 and self._shutdown.begun:
            self._jobs.end(len(self._processes))
            self._shutdown.consumer_left(self._clock.monotonic() + _LEAVING)
            return
        if ended.status == FATAL:
            self._status = 1
            self._jobs.end(len(self._processes))
            self._shutdown.give_up(self._clock.monotonic() + _LEAVING)
            return
        if self._shutdown.phase is Phase.COLD:
            return
        logger.error("The consumer ended (%s); starting it again.", ended.reason)
        self._again(self._start_consumer, self._clock.monotonic() - self._consumer_started)

    def _bury_task_process(self, ended: Ended) -> None:
        index, started = self._processes.pop(ended.pid)
        slot = self._slots.slot(index)
        snapshot = slot.look()
        limit = self._deadlines.killed.pop(ended.pid, None)
        terminated = self._deadlines.forget(ended.pid, snapshot)
        if snapshot.packet or ended.status != 0:
            why = self._guard.reason(ended.pid) or ended.reason
            reason = f"Hard time limit ({limit:g}s) exceeded" if limit is not None else f"Worker exited prematurely: {why}"
            self._tell(Notice("died", snapshot, reason, ended.signal, limit, terminated, ended.memory, slot.log))
            # The consumer takes a packet that stands in no slot for lost: it must have been told before the slot is empty.
            self._when_told(slot.vacate)
            if self._shutdown.phase is not Phase.COLD and limit is None and terminated is None:
                logger.error("Task process %d (pid %d) ended: %s.", index + 1, ended.pid, reason)
        else:
            slot.vacate()
            self._leaving = max(0, self._leaving - 1)
        if self._shutdown.phase is Phase.COLD or (self._shutdown.begun and not self._consumer):
            return
        # A process that came as far as taking a packet was killed by its job; only one that cannot even start is given pauses.
        lived = self._clock.monotonic() - started if snapshot.state in (State.FREE, State.STARTING) else _SOON
        if len(self._processes) + len(self._starting) < self._slots.count:
            self._starting.add(index)
            self._when_told(lambda: self._again(lambda: self._start_task_process(index), lived))

    def _tell(self, notice: Notice) -> None:
        self._untold.append(notices.encode(notice))
        self._send_notices()

    def _when_told(self, act: Callable[[], None]) -> None:
        """Act as soon as everything said so far has reached the consumer's socket: now, unless it is far behind."""
        self._untold.append(act)
        self._send_notices()

    def _send_notices(self) -> None:
        """The consumer may be away or slow; the supervisor never waits for it."""
        while self._untold:
            first = self._untold[0]
            if isinstance(first, bytes):
                if not self._control.try_send(first):
                    return
            else:
                first()
            self._untold.popleft()

    def _advance_shutdown(self) -> None:
        for phase in self._shutdown.steps(self._clock.monotonic()):
            if phase in (Phase.WARM, Phase.SOFT):
                self._tell(Notice("stop"))
            elif phase is Phase.COLD:
                self._tell(Notice("cold"))
                self._kill_task_processes()
                self._shutdown.limit(self._clock.monotonic() + _COLD_LIMIT)
            else:
                self._kill_everything()
        if self._shutdown.phase is Phase.COLD and not self._processes and not self._shutdown.told_end:
            self._shutdown.told_end = True
            self._tell(Notice("end"))

    def _kill_task_processes(self) -> None:
        for pid in self._processes:
            children.kill(pid)

    def _kill_everything(self) -> None:
        self._kill_task_processes()
        if self._consumer:
            logger.error("The consumer did not finish in time; what it holds comes back when its lease runs out.")
            children.kill(self._consumer, signal.SIGKILL)
