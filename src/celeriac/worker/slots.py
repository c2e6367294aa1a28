"""A fixed record per task process in shared memory: what it runs, since when, and until when.

A task process writes its own slot; the supervisor kills by it, and the consumer concludes by it what a dead process had in hand. The
packet in hand is copied into the slot, so that a consumer which was restarted knows it too.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from enum import IntEnum
from typing import Any

from celeriac.lib.value import Value
from celeriac.worker.inheritance import Inheritable

_FIELDS = struct.Struct("=qqqqqqdddqqqq")
_PID, _STATE, _PACKET, _CLAIMED, _REPORTED, _DONE, _SINCE, _SOFT, _HARD, _LENGTH, _LEAVES, _DOOMED, _DOOMED_JOB = range(0, 104, 8)
_LOGGED, _TAKEN, _TAKEN_FROM = range(104, 128, 8)
_LOOK = struct.Struct("=qqqqqqdddq")
_COUNT, _EXTENT, _LULL = 8, 16, 24
_DOOM = struct.Struct("=qq")
_WORD = struct.Struct("=q")
_REAL = struct.Struct("=d")
_CLAIM = struct.Struct("=q")
_TIMES = struct.Struct("=ddd")
_REST = struct.Struct("=qqq")
_PACKET_SPACE = 64 * 1024
_LOG_SPACE = 4 * 1024
_SIZE = 128 + _PACKET_SPACE + _LOG_SPACE


class State(IntEnum):
    """What a task process does at the moment."""

    FREE = 0
    STARTING = 1
    IDLE = 2
    BUSY = 3


class Snapshot(Value, frozen=True):
    """A slot as it was at one moment. ``claimed`` jobs of the packet were begun, ``reported`` of them have been reported."""

    index: int
    pid: int
    state: int
    packet: int
    claimed: int
    reported: int
    done: int
    since: float
    soft: float
    hard: float
    content: bytes


class Slots:
    """The records of all task processes; in memory that all processes see, by fork or by inheritance."""

    def __init__(self, count: int, capacity: int | None = None) -> None:
        self.capacity = capacity = max(count, capacity or 0)
        descriptor = _anonymous_file(64 + capacity * _SIZE)
        self._file = Inheritable(descriptor)
        self._memory = mmap.mmap(descriptor, 64 + capacity * _SIZE)
        self.count = count

    def __reduce__(self) -> Any:
        return _adopted, (self.capacity, self._file)

    @property
    def count(self) -> int:
        """How many task processes there are to be; the supervisor changes it, everybody sees it."""
        value: int = _WORD.unpack_from(self._memory, _COUNT)[0]
        return value

    @count.setter
    def count(self, count: int) -> None:
        extent = _WORD.unpack_from(self._memory, _EXTENT)[0]
        _WORD.pack_into(self._memory, _EXTENT, max(count, extent))
        _WORD.pack_into(self._memory, _COUNT, count)

    def slot(self, index: int) -> "Slot":
        """Return the record of task process number ``index``."""
        return Slot(self._memory, index)

    def all(self) -> list["Slot"]:
        """Return every record that is or was in use."""
        return [self.slot(index) for index in range(_WORD.unpack_from(self._memory, _EXTENT)[0])]

    @property
    def next_look(self) -> float:
        """When the supervisor will look at deadlines next (monotonic seconds); a nearer deadline has to wake it."""
        value: float = _REAL.unpack_from(self._memory, 0)[0]
        return value

    @next_look.setter
    def next_look(self, when: float) -> None:
        _REAL.pack_into(self._memory, 0, when)

    @property
    def lull(self) -> int:
        """Whether task processes may begin what follows from a job by themselves (``succession.Lull``); the consumer says so."""
        value: int = _WORD.unpack_from(self._memory, _LULL)[0]
        return value

    @lull.setter
    def lull(self, allowed: int) -> None:
        _WORD.pack_into(self._memory, _LULL, allowed)


def _anonymous_file(size: int) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("celeriac-slots")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def _adopted(capacity: int, file: Inheritable) -> Slots:
    """Return the records that a fresh process inherited."""
    slots = Slots.__new__(Slots)
    slots.capacity, slots._file = capacity, file
    slots._memory = mmap.mmap(file.number, 64 + capacity * _SIZE)
    return slots


class Slot:
    """One task process's record."""

    def __init__(self, memory: mmap.mmap, index: int) -> None:
        self.index = index
        self._memory = memory
        self._at = 64 + index * _SIZE

    def prepare(self) -> None:
        """A process is about to start here; to be called before it does, since it may write here before its parent runs again."""
        _FIELDS.pack_into(self._memory, self._at, 0, State.STARTING, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0, 0, 0, 0)
        _REST.pack_into(self._memory, self._at + _LOGGED, 0, 0, 0)

    def occupy(self, pid: int) -> None:
        """The process that started here has this id."""
        _WORD.pack_into(self._memory, self._at + _PID, pid)

    def vacate(self) -> None:
        """The process is gone."""
        _FIELDS.pack_into(self._memory, self._at, 0, State.FREE, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0, 0, 0, 0)

    def take(self, packet: int, content: bytes) -> None:
        """The process has this packet in hand; written before any of its jobs begins."""
        memory, at = self._memory, self._at
        size = len(content)
        if size > _PACKET_SPACE:
            content, size = b"", 0
        memory[at + 128 : at + 128 + size] = content
        _WORD.pack_into(memory, at + _LENGTH, size)
        _WORD.pack_into(memory, at + _CLAIMED, 0)
        _WORD.pack_into(memory, at + _REPORTED, 0)
        _WORD.pack_into(memory, at + _STATE, State.BUSY)
        _WORD.pack_into(memory, at + _PACKET, packet)

    def claim(self, count: int, now: float, soft: float, hard: float) -> None:
        """Job number ``count`` of the packet (from 1) begins; deadlines in monotonic seconds, 0 for none."""
        _TIMES.pack_into(self._memory, self._at + _SINCE, now, soft, hard)
        _CLAIM.pack_into(self._memory, self._at + _CLAIMED, count)

    def relax(self) -> None:
        """The job that had deadlines is over."""
        _TIMES.pack_into(self._memory, self._at + _SINCE, 0.0, 0.0, 0.0)

    def reported(self, count: int) -> None:
        """The effects of the packet's first ``count`` jobs have been sent."""
        _WORD.pack_into(self._memory, self._at + _REPORTED, count)

    def idle(self, done: int) -> None:
        """The packet is finished; ``done`` is the process's total of jobs."""
        memory, at = self._memory, self._at
        _WORD.pack_into(memory, at + _PACKET, 0)
        _WORD.pack_into(memory, at + _DONE, done)
        _WORD.pack_into(memory, at + _STATE, State.IDLE)

    def let_leave(self) -> None:
        """The process is to end when it has finished its packet."""
        _WORD.pack_into(self._memory, self._at + _LEAVES, 1)

    @property
    def leaves(self) -> bool:
        """Whether the process is to end."""
        return bool(_WORD.unpack_from(self._memory, self._at + _LEAVES)[0])

    def doom(self, packet: int, claimed: int) -> None:
        """This job is to be ended by a signal; the next one in the same process is not."""
        _DOOM.pack_into(self._memory, self._at + _DOOMED, packet, claimed)

    @property
    def doomed(self) -> bool:
        """Whether the job in hand is to be ended by a signal."""
        packet, claimed = _DOOM.unpack_from(self._memory, self._at + _DOOMED)
        return bool(packet) and packet == self.packet and claimed == _CLAIM.unpack_from(self._memory, self._at + _CLAIMED)[0]

    def take_away(self, packet: int, position: int) -> None:
        """The jobs of a packet from this position on are not to be begun here: they will run elsewhere."""
        _WORD.pack_into(self._memory, self._at + _TAKEN, 0)
        _WORD.pack_into(self._memory, self._at + _TAKEN_FROM, position)
        _WORD.pack_into(self._memory, self._at + _TAKEN, packet)

    def taken_away(self, packet: int, position: int) -> bool:
        """Whether a job of the packet in hand runs elsewhere."""
        taken, start = _DOOM.unpack_from(self._memory, self._at + _TAKEN)
        return bool(taken == packet and position >= start)

    def keep_log(self, text: str) -> None:
        """Keep the end of what this process logs, for those who find it dead."""
        data = text[-_LOG_SPACE:].encode("utf-8", "backslashreplace")
        at = self._at + 128 + _PACKET_SPACE
        length = _WORD.unpack_from(self._memory, self._at + _LOGGED)[0]
        kept = (self._memory[at : at + length] + data)[-_LOG_SPACE:]
        self._memory[at : at + len(kept)] = kept
        _WORD.pack_into(self._memory, self._at + _LOGGED, len(kept))

    @property
    def log(self) -> str:
        """The end of what the process has logged, from the beginning of a line."""
        at = self._at + 128 + _PACKET_SPACE
        length = _WORD.unpack_from(self._memory, self._at + _LOGGED)[0]
        kept = bytes(self._memory[at : at + length])
        if length == _LOG_SPACE:
            kept = kept.partition(b"\n")[2] or kept
        return kept.decode("utf-8", "replace")

    def soft_passed(self) -> None:
        """The soft limit has been signalled: do not signal it again."""
        _REAL.pack_into(self._memory, self._at + _SOFT, 0.0)

    def look(self) -> Snapshot:
        """Return the record as it is now, with the packet in hand."""
        pid, state, packet, claimed, reported, done, since, soft, hard, length = _LOOK.unpack_from(self._memory, self._at)
        content = bytes(self._memory[self._at + 128 : self._at + 128 + length]) if packet else b""
        return Snapshot(self.index, pid, state, packet, claimed, reported, done, since, soft, hard, content)

    def deadlines(self) -> tuple[int, float, float, float]:
        """Return (pid, since, soft, hard) of the running job; cheap, for the supervisor's loop."""
        pid = _WORD.unpack_from(self._memory, self._at + _PID)[0]
        since, soft, hard = _TIMES.unpack_from(self._memory, self._at + _SINCE)
        return pid, since, soft, hard

    @property
    def claimed(self) -> int:
        """How many jobs of the packet in hand were begun."""
        value: int = _WORD.unpack_from(self._memory, self._at + _CLAIMED)[0]
        return value

    @property
    def packet(self) -> int:
        """The number of the packet in hand, 0 for none."""
        value: int = _WORD.unpack_from(self._memory, self._at + _PACKET)[0]
        return value
