"""Which packets are out, and what is known of their jobs."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from celeriac.model.effects import Job
from celeriac.worker.packets import Packet, Report, decode_packet
from celeriac.worker.slots import Snapshot

_GENERATION = 1 << 40


@dataclass(slots=True)
class _Entry:
    jobs: Sequence[Job]
    reported: int = 0


class Ledger:
    """The packets that were sent and are not finished. Opened by the fetching thread, closed by the settling one.

    Each consumer of a worker's life numbers its packets in a range of its own, so that those of its predecessor can be told apart.
    """

    def __init__(self, generation: int) -> None:
        self._out: dict[int, _Entry] = {}
        self._first = self._number = generation * _GENERATION
        self._closed_of_predecessor: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._out)

    @property
    def jobs(self) -> int:
        """How many jobs are in the packets that are out, and not reported."""
        with self._lock:
            return sum(len(entry.jobs) - entry.reported for entry in self._out.values())

    def open(self, jobs: Sequence[Job]) -> Packet:
        """Number a packet and note that it is out."""
        with self._lock:
            self._number += 1
            self._out[self._number] = _Entry(jobs)
            return Packet(self._number, tuple(jobs))

    def join(self, packet: Packet) -> None:
        """Note a packet that a task process has made itself."""
        with self._lock:
            self._out.setdefault(packet.number, _Entry(packet.jobs))

    def adopt(self, content: bytes, reported: int) -> Packet:
        """Note a packet that an earlier consumer had sent, by its bytes."""
        packet = decode_packet(content)
        with self._lock:
            self._out[packet.number] = _Entry(packet.jobs, reported)
        return packet

    def report(self, report: Report) -> Sequence[Job]:
        """Note a report; return the jobs whose outcomes it brings, in order."""
        with self._lock:
            entry = self._out.get(report.packet)
            if report.last:
                self._close(report.packet)
            if entry is None:
                return ()
            end = report.first + len(report.writes)
            entry.reported = max(entry.reported, end)
            return entry.jobs[report.first : end]

    def hand_back(self, report: Report) -> list[Job]:
        """Take the jobs that a process hands back off their packet; return them."""
        return [] if report.unclaimed < 0 else self.take_off(report.packet, report.unclaimed)

    def take_off(self, number: int, position: int) -> list[Job]:
        """Take the jobs from this position on off a packet; return those that were still on it."""
        with self._lock:
            entry = self._out.get(number)
            if entry is None:
                return []
            jobs = list(entry.jobs[position:])
            entry.jobs = entry.jobs[:position]
            return jobs

    def dead(self, slot: Snapshot) -> tuple[list[Job], list[Job]]:
        """Close the packet that a dead process had in hand; return the jobs it had begun without reporting them, and those not begun."""
        if self._is_unknown(slot.packet) and slot.content:
            self.adopt(slot.content, slot.reported)
        with self._lock:
            entry = self._out.get(slot.packet)
            self._close(slot.packet)
        if entry is None:
            return [], []
        claimed = max(slot.claimed, entry.reported)
        return list(entry.jobs[entry.reported : claimed]), list(entry.jobs[claimed:])

    def withdraw(self, number: int) -> list[Job]:
        """Close a packet that nobody has; return its jobs."""
        with self._lock:
            entry = self._out.get(number)
            self._close(number)
        return [] if entry is None else list(entry.jobs[entry.reported :])

    def job(self, number: int, position: int) -> Job | None:
        """Return one job of a packet that is out."""
        with self._lock:
            entry = self._out.get(number)
            return entry.jobs[position] if entry is not None and position < len(entry.jobs) else None

    def out(self) -> list[tuple[int, Sequence[Job]]]:
        """Return (number, jobs) of every packet that is out."""
        with self._lock:
            return [(number, entry.jobs) for number, entry in self._out.items()]

    def missing(self, in_hand: Collection[int]) -> list[int]:
        """Return the packets that are out and not among ``in_hand``."""
        with self._lock:
            return [number for number in self._out if number not in in_hand]

    def _is_unknown(self, number: int) -> bool:
        """Whether a predecessor sent this packet and this consumer has not seen the end of it."""
        with self._lock:
            return 0 < number <= self._first and number not in self._out and number not in self._closed_of_predecessor

    def _close(self, number: int) -> None:
        self._out.pop(number, None)
        if 0 < number <= self._first:
            self._closed_of_predecessor.add(number)
