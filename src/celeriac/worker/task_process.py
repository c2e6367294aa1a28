"""A task process: takes a packet, runs its jobs one by one, sends back what follows from them. User code runs here and nowhere else."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from celeriac.engine.attempt import Tools, conclude_lost, failed_to_encode, run
from celeriac.lib.clock import Clock
from celeriac.lib.interrupts import interrupt, uninterrupted
from celeriac.lib.signpost import reach
from celeriac.model.effects import Effects, Job, Writes
from celeriac.model.errors import EncodeError, OperationalError, SoftTimeLimitExceeded
from celeriac.worker.courier import LONG, Courier
from celeriac.worker.limits import Limits
from celeriac.worker.packets import LEAVE, Channel, Packet, Report, decode_packet, encode
from celeriac.worker.slots import Slot, Slots
from celeriac.worker.succession import Succession


class TaskProcess:
    """Serves packets until there are no more, or until it has run as many jobs, or grown as large, as it may."""

    def __init__(
        self,
        slots: Slots,
        index: int,
        jobs: Channel,
        reports: Channel,
        tools: Tools,
        encode_effects: Callable[[Effects], Writes],
        limits: Limits,
        clock: Clock,
        wake_supervisor: Callable[[], object],
        flush_log: Callable[[], object],
        tired: Callable[[int], bool],
    ) -> None:
        self._slots = slots
        self._slot: Slot = slots.slot(index)
        self._index = index
        self._jobs = jobs
        self._reports = reports
        self._tools = tools
        self._encode = encode_effects
        self._limits = limits
        self._clock = clock
        self._wake_supervisor = wake_supervisor
        self._flush_log = flush_log
        self._tired = tired
        self._done = 0
        self._soft_at = 0.0
        self._packet: _InHand | None = None
        self._succession = Succession(slots, tools)
        self._courier = Courier(self._relieve_if_long)

    def serve(self) -> None:
        """Run packets until the other side is gone or this process is tired."""
        self._slot.idle(0)
        while content := self._jobs.receive():
            packet = decode_packet(content)
            following = self._run_packet(packet, content) if packet.jobs else None
            while following is not None:
                following = self._run_packet(following, encode(following))
            if packet.number == LEAVE or self._ends:
                return

    @property
    def _ends(self) -> bool:
        """Whether this process is to run no more jobs."""
        return self._slot.leaves or self._tired(self._done)

    def soft_limit(self, _signum: int, _frame: object) -> None:
        """The signal handler of the soft time limit: raises in the running task, if it is still the one that was meant."""
        if self._slot.doomed or (self._soft_at and self._clock.monotonic() >= self._soft_at):
            self._soft_at = 0.0
            if self._tools.running:
                interrupt(SoftTimeLimitExceeded())

    def end_if_doomed(self, signum: int, _frame: object) -> None:
        """The handler of signals that end a process: only when remote control means the job in hand, not when the whole group is signalled."""
        if self._slot.doomed:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)

    def say_now(self, effects: Effects) -> None:
        """Send what must be seen before the attempt ends."""
        packet = self._packet
        number = 0 if packet is None else packet.number
        report = encode(Report(self._index, number, early=(self._encode(effects),)))
        with uninterrupted:
            self._reports.send(report)

    def _relieve_if_long(self) -> bool:
        packet = self._packet
        if packet is not None and packet.since and self._clock.monotonic() - packet.since > LONG:
            packet.relieve()
        return packet is not None

    def _run_packet(self, packet: Packet, content: bytes) -> Packet | None:
        """Run a packet; return the one to run next, when what follows from the last job is run here."""
        self._slot.take(packet.number, content)
        in_hand = self._packet = _InHand(packet.number, len(packet.jobs), self._index, self._slot, self._reports)
        if len(packet.jobs) > 1:
            self._courier.watch()
        following: Packet | None = None
        for position, job in enumerate(packet.jobs):
            now = self._clock.monotonic()
            if not in_hand.claim(position, now):
                break
            self._begin(position, job, now)
            if self._slot.taken_away(packet.number, position):
                in_hand.give_back(position)
                break
            writes = self._run_job(job)
            self._soft_at = 0.0
            self._done += 1
            if position == len(packet.jobs) - 1 and not self._ends:
                writes, following = self._succession.of(job, writes)
            in_hand.finished(writes, self._clock.monotonic() - now)
        in_hand.send_last(following)
        self._slot.idle(self._done)
        self._packet = None
        self._flush_log()
        return following

    def _begin(self, position: int, job: Job, now: float) -> None:
        soft, hard = self._limits.deadlines(job, now)
        self._soft_at = soft
        self._slot.claim(position + 1, now, soft, hard)
        reach("task.claimed")
        nearest = min(soft or hard, hard or soft)
        if nearest and nearest < self._slots.next_look:
            self._wake_supervisor()

    def _run_job(self, job: Job) -> Writes:
        tools = self._tools
        effects = run(job, tools) if job.lost is None else conclude_lost(job, job.lost, tools)
        reach("task.ran")
        try:
            return self._encode(effects)
        except (EncodeError, OperationalError) as error:
            return self._encode(failed_to_encode(job, error, tools))


class _InHand:
    """The packet in hand: shared by the thread that runs it and the courier."""

    def __init__(self, number: int, size: int, process: int, slot: Slot, reports: Channel) -> None:
        self.number = number
        self.since = 0.0
        self._end = size
        self._claimed = 0
        self._process = process
        self._slot = slot
        self._reports = reports
        self._sent = 0
        self._writes: list[Writes] = []
        self._times: list[float] = []
        self._lock = threading.Lock()

    def claim(self, position: int, now: float) -> bool:
        """Begin a job, unless it was handed back."""
        with self._lock:
            if position >= self._end:
                return False
            self._claimed = position + 1
            self.since = now
            return True

    def finished(self, writes: Writes, seconds: float) -> None:
        """Keep an outcome for the next report."""
        with self._lock:
            self._writes.append(writes)
            self._times.append(seconds)

    def send_last(self, following: Packet | None = None) -> None:
        """Report what is left; the packet is done, and the process goes on with the following one if there is one."""
        with self._lock:
            self._send(last=True, following=following)
        reach("task.sent")

    def relieve(self) -> None:
        """The running job takes long: report what is finished and hand back what was not begun."""
        with self._lock:
            unclaimed = self._claimed if self._claimed < self._end else -1
            if unclaimed >= 0:
                self._end = unclaimed
            if self._writes or unclaimed >= 0:
                self._send(unclaimed=unclaimed)

    def give_back(self, position: int) -> None:
        """Somebody else runs the jobs from this position on."""
        with self._lock:
            self._end = position
            self._send(unclaimed=position)

    def _send(self, unclaimed: int = -1, last: bool = False, following: Packet | None = None) -> None:
        report = Report(self._process, self.number, self._sent, tuple(self._writes), tuple(self._times), (), unclaimed, last, following)
        self._reports.send(encode(report))
        self._sent += len(self._writes)
        self._slot.reported(self._sent)
        self._writes.clear()
        self._times.clear()
