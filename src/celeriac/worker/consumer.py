"""The consumer: all network I/O of a worker with task processes, in two plain loops. No user code."""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable

from celeriac.engine.attempt import conclude_lost_plain
from celeriac.engine.refusals import terminated
from celeriac.lib.clock import Clock
from celeriac.lib.signpost import reach
from celeriac.model.effects import Effects, Job, Writes
from celeriac.model.errors import OperationalError
from celeriac.model.outcome import Lost
from celeriac.worker import adoption, notices
from celeriac.worker import rescue as rescuing
from celeriac.worker.children import stands_still
from celeriac.worker.dispatch import Dispatch, name_of
from celeriac.worker.intake import untouched
from celeriac.worker.ledger import Ledger
from celeriac.worker.notices import Notice
from celeriac.worker.pace import Pace
from celeriac.worker.packets import Channel, Report, decode_report
from celeriac.worker.parts import Station
from celeriac.worker.slots import Slots
from celeriac.worker.succession import lull

logger = logging.getLogger("celeriac.worker")

FETCH_WAIT = 1.0
"""The longest that a fetch waits (seconds), and so what a shutdown may wait for it."""

_LEFT_OVER = 0.1
_FAR_PAUSE = 20
"""Milliseconds: while the broker is far away, both threads hear reports, and neither sleeps for longer."""
_AUDIT = 0.5
_TURN = 1_500
"""Milliseconds between two turns of an idle settling loop that is watched by probes."""
_MOST_AT_ONCE = 2_000
_COLD = Lost("The worker was shut down cold")


class Consumer:
    """Fetches and dispatches in one thread, collects and settles in the other; ends when it is told to and nothing is out."""

    def __init__(
        self,
        *,
        station: Station,
        dispatch: Dispatch,
        ledger: Ledger,
        pace: Pace,
        slots: Slots,
        jobs: Channel,
        reports: Channel,
        control: Channel,
        encode: Callable[[Effects], Writes],
        flush_log: Callable[[], object],
        clock: Clock,
    ) -> None:
        self._station = station
        self._gate, self._counts = station.gate, station.counts
        self._fetching, self._settling = (station.contact.pulse(name) for name in ("fetching", "settling"))
        self._intake = station.intake
        self._outbox = station.outbox
        self._dispatch = dispatch
        self._ledger = ledger
        self._pace = pace
        self._slots = slots
        self._jobs = jobs
        self._reports = reports
        self._control = control
        self._encode = encode
        self._flush_log = flush_log
        self._clock = clock
        self._stopping = threading.Event()
        self._collecting = threading.RLock()
        self._both_hear = False
        """Whether the fetching thread may hear reports too: the settling one looks often enough at what they bring. Changed by that one."""
        self._cold = False
        self._ended = False
        self._audit_at = 0.0
        self._suspects: set[int] = set()
        self._rescuer = rescuing.Rescue(slots, ledger)
        self._fetcher = threading.Thread(target=self._fetch_loop, name="fetcher", daemon=True)

    def run(self, *, restarted: bool) -> None:
        """Work until the shutdown is complete."""
        adopted = adoption.adopt(self._station.broker, self._slots, self._jobs, self._ledger, self._intake, restarted=restarted)
        self._collect()
        orphans = adoption.return_orphans(adopted, self._outbox)
        if orphans and self._station.left_behind is not None:
            self._intake.put_first(self._station.left_behind.concluding([(one, "Worker exited prematurely") for one in orphans]))
        if restarted:
            adoption.reclaim(self._station.broker)
        self._station.duties.start()
        self._read_notices()
        self._fetcher.start()
        reach("worker.ready")
        self._settle_loop()
        self._station.leave(cold=self._cold)
        self._flush_log()

    # the fetching thread

    def _fetch_loop(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            self._fetching.beat()
            try:
                self._fetch_and_dispatch()
                attempt = 0
            except OperationalError as error:
                attempt += 1
                seconds = min(2.0, 0.1 * 2**attempt)
                logger.warning("consumer: Cannot fetch: %s. Trying again in %.1fs.", error, seconds)
                self._stopping.wait(seconds)
            except Exception:
                logger.exception("consumer: Fetching failed.")
                self._stopping.wait(1.0)
        self._fetching.end()

    def _fetch_and_dispatch(self) -> None:
        room = self._wait_for_room()
        if not room:
            self._give_back_left_over()
            return
        if not self._intake:
            limit = max(1, min(self._pace.wanted(room, self._slots.count), self._dispatch.allowance()))
            begun = self._clock.monotonic()
            with lull(self._slots, self._gate, self._may_begin):
                found = self._intake.fetch(limit, FETCH_WAIT)
            if found >= limit > 1:
                self._pace.fetched(self._clock.monotonic() - begun)
        if not self._stopping.is_set():
            self._hand_out(room)
        self._flush_log()

    def _may_begin(self) -> bool:
        """Whether task processes may begin successors: none while this worker ends or some queue is not to be consumed any more."""
        return not self._stopping.is_set() and not self._intake.cancelled

    def _wait_for_room(self) -> int:
        """Wait until packets may go out. While a far broker keeps the settling thread, this one hears what task processes report."""
        if not self._both_hear:
            return self._dispatch.wait_for_room(_LEFT_OVER)
        until = self._clock.monotonic() + _LEFT_OVER
        poll = select.poll()
        poll.register(self._reports.fileno(), select.POLLIN)
        while not (room := self._dispatch.wait_for_room(0.0)) and self._clock.monotonic() < until and not self._stopping.is_set():
            if poll.poll(_FAR_PAUSE):
                self._hear_too()
        return room

    def _hear_too(self) -> None:
        with self._collecting:
            if self._both_hear:
                self._collect()

    def _hand_out(self, room: int) -> None:
        packets = self._intake.take(lambda jobs: self._dispatch.pack(jobs, room))
        if packets:
            jobs = [job for packet in packets for job in packet]
            # Before they go out: "received" stands above "succeeded" in a log that all processes share.
            self._flush_log()
            marked = self._intake.acknowledge(jobs)
            if len(marked) < len(jobs):
                self._dispatch.send([[job] for job in marked])
                return
            rest = iter(marked)
            self._dispatch.send([[next(rest) for _ in packet] for packet in packets])

    def _give_back_left_over(self) -> None:
        """All task processes are busy with long jobs: what was fetched for them can run elsewhere."""
        if self._intake:
            self._intake.give_back()

    # the settling thread

    def _settle_loop(self) -> None:
        poll = select.poll()
        poll.register(self._reports.fileno(), select.POLLIN)
        poll.register(self._control.fileno(), select.POLLIN)
        while not self._finished():
            self._settling.beat()
            waiting = 50 if self._stopping.is_set() else self._pause()
            far = self._pace.far and bool(len(self._ledger))
            if far or self._both_hear:
                # One turn longer than it is so: what the other thread has heard is written before this one sleeps.
                waiting = _FAR_PAUSE
            with self._collecting:
                self._both_hear = far
            for descriptor, _ in poll.poll(waiting):
                if descriptor == self._control.fileno():
                    self._read_notices()
            self._collect()
            self._outbox.flush()
            self._flush_log()
            self._rescue()
            if self._audit_at and self._clock.monotonic() >= self._audit_at:
                self._audit()

    def _pause(self) -> int | None:
        """Return how long nothing has to be looked at (milliseconds); where probes ask whether this loop turns, it does now and then."""
        audit = max(1, int((self._audit_at - self._clock.monotonic()) * 1000) + 1) if self._audit_at else None
        rescue = int(rescuing.PAUSE * 1000) if len(self._ledger) else None
        turn = _TURN if self._counts is not None else None
        return min(filter(None, (audit, rescue, turn)), default=None)

    def _finished(self) -> bool:
        if self._cold:
            return self._ended
        return self._stopping.is_set() and not self._fetcher.is_alive() and not self._ledger and not self._pending()

    def _pending(self) -> bool:
        """Handed-back jobs whose message is gone must still be run while task processes are there."""
        self._intake.give_back()
        if self._intake:
            self._hand_out(len(self._intake))
        return bool(self._intake) or bool(self._ledger)

    def _collect(self) -> None:
        collected = 0
        with self._collecting:
            while collected < _MOST_AT_ONCE:
                content = self._reports.receive(block=False)
                if not content:
                    return
                report = decode_report(content)
                self._accept(report)
                collected += len(report.writes) + 1

    def _accept(self, report: Report) -> None:
        if report.early:
            self._outbox.add(report.early)
        if report.writes:
            self._outbox.add(report.writes)
        if report.next is not None:
            self._ledger.join(report.next)
            self._intake.joined(report.next.jobs)
        jobs = self._ledger.report(report)
        for job, seconds in zip(jobs, report.times):
            self._pace.note(name_of(job), seconds)
        if self._counts is not None:
            self._counts.ended(jobs, report.writes, report.times)
        if report.unclaimed >= 0:
            self._hand_out_first(self._ledger.hand_back(report))
        if (report.last and report.next is None) or report.unclaimed >= 0:
            self._dispatch.freed()

    # what the supervisor says

    def _read_notices(self) -> None:
        while content := self._control.receive(block=False):
            notice = notices.decode(content)
            if notice.kind == "died":
                self._bury(notice)
            elif notice.kind == "end":
                self._abandon_rest()
                self._ended = True
            elif notice.kind == "again":
                self._station.repeat(notice.what)
            else:
                self._stopping.set()
                self._cold = self._cold or notice.kind == "cold"
                self._dispatch.freed()
                self._station.broker.wake()

    def _bury(self, notice: Notice) -> None:
        """A task process died: its last reports first, then what it had in hand."""
        self._collect()
        slot = notice.slot
        if slot is None:
            return
        begun, unbegun = self._ledger.dead(slot)
        if notice.terminated is not None and begun and begun[-1].lost is None:
            self._bury_terminated(begun.pop(), Lost(reason=notice.reason, kind="terminated", signal=notice.terminated))
        if self._counts is not None:
            self._counts.cut_off([job for job in begun if job.lost is None], lost=notice.limit is None)
        kind = "lost" if notice.limit is None else "timeout"
        lost = Lost(reason=notice.reason, kind=kind, signal=notice.signal, limit=notice.limit, log=notice.log)
        if self._cold:
            # It was us who killed it.
            self._outbox.add([self._interrupted(job, _COLD) for job in (*begun, *unbegun)])
        else:
            now, deaths = self._clock.now(), self._gate.deaths
            again = [job.replace(lost=deaths.note(job, lost, now=now, pid=slot.pid, memory=notice.memory)) for job in begun if job.lost is None]
            self._conclude_plainly([job for job in begun if job.lost is not None])
            self._hand_out_first([*again, *unbegun])
        # Deaths that follow each other closely must not put the audit off.
        self._audit_at = self._audit_at or self._clock.monotonic() + _AUDIT
        self._dispatch.freed()

    def _bury_terminated(self, job: Job, ended: Lost) -> None:
        effects = terminated(job, ended, self._gate)
        if self._counts is not None:
            self._counts.cut_off([job], lost=False)
            self._counts.concluded(job, effects)
        self._outbox.add([self._encode(effects)])

    def _conclude_plainly(self, jobs: list[Job]) -> None:
        """They were to be concluded where they died, and that has killed a process too."""
        for job in jobs:
            assert job.lost is not None
            effects = conclude_lost_plain(job, job.lost, self._gate)
            if self._counts is not None:
                self._counts.concluded(job, effects)
            self._outbox.add([self._encode(effects)])

    def _hand_out_first(self, jobs: list[Job]) -> None:
        """Let jobs be the next to be handed out, also when the fetching thread waits for new ones at the moment."""
        if jobs:
            self._intake.put_first(jobs)
            self._station.broker.wake()

    def _rescue(self) -> None:
        if jobs := self._rescuer.look(self._clock.monotonic()):
            logger.warning("consumer: %d tasks waited behind one that stands still; they go to other processes.", len(jobs))
            self._hand_out_first(jobs)
            self._dispatch.freed()

    def _interrupted(self, job: Job, lost: Lost) -> Writes:
        """Cold shutdown: what may run again goes back, what may not is recorded as lost."""
        if job.acked:
            return self._encode(conclude_lost_plain(job, lost, self._gate))
        return untouched(job)

    def _abandon_rest(self) -> None:
        """Cold, and all task processes are gone: what was handed out and read by none, or waits here, is not run by this worker."""
        self._collect()
        jobs = [job for number, _ in self._ledger.out() for job in self._ledger.withdraw(number)]
        self._outbox.add([self._interrupted(job, _COLD) for job in [*jobs, *(job for job in self._intake.jobs() if job.acked)]])

    def _audit(self) -> None:
        """Find packets that nobody has: a process may have died between taking one and noting it in its slot.

        A living process may be between the two as well, so it takes two looks; and still only what may run twice is handed out again.
        """
        if any(stands_still(slot.deadlines()[0]) for slot in self._slots.all()):
            # It may have taken a packet and not noted it yet.
            self._audit_at = self._clock.monotonic() + _AUDIT
            return
        unread = adoption.unread_packets(self._jobs)
        in_hand = {slot.packet for slot in self._slots.all()} | {packet.number for packet, _ in unread}
        self._read_notices()
        self._collect()
        suspects = self._ledger.missing(in_hand)
        for number in set(suspects) & self._suspects:
            logger.warning("consumer: Packet %d was lost with its process.", number)
            jobs = self._ledger.withdraw(number)
            self._hand_out_first([job.replace(lost=Lost("Worker exited prematurely")) if job.acked else job for job in jobs])
        self._suspects = set(suspects)
        self._audit_at = self._clock.monotonic() + _AUDIT if suspects else 0.0
        for _, content in unread:
            self._jobs.send(content)
        self._dispatch.freed()
