"""How jobs reach task processes and reports come back: two datagram-like sockets that all task processes share.

The kernel hands each packet to one idle process. What does not fit a packet travels as a file descriptor of an anonymous file.
"""

from __future__ import annotations

import array
import os
import socket
import tempfile
from typing import IO

import msgspec

from celeriac.lib.value import Value
from celeriac.model.effects import Job, Writes
from celeriac.worker.machine import machine

INLINE = 60_000
"""Bytes up to which a packet travels in the socket itself; more goes through a file."""

_FD_SPACE = socket.CMSG_LEN(array.array("i", [0]).itemsize)


class Packet(Value, frozen=True):
    """Jobs that one task process takes in hand together."""

    number: int
    jobs: tuple[Job, ...]


LEAVE = 0
"""The number of a packet without jobs that tells one process, whichever reads it, to end."""
LOOK = -1
"""The number of a packet without jobs that tells a process to look into its slot whether it is to end."""


class Report(Value, frozen=True):
    """What a task process sends back about a packet.

    ``writes`` and ``times`` (seconds) belong to the jobs from number ``first`` on. ``early`` is what must be seen before an attempt ends.
    Jobs from ``unclaimed`` on (when not -1) were not begun and go back to the consumer. ``last`` ends the packet. ``next`` is a packet of the
    process's own making, which it runs now.
    """

    process: int
    packet: int
    first: int = 0
    writes: tuple[Writes, ...] = ()
    times: tuple[float, ...] = ()
    early: tuple[Writes, ...] = ()
    unclaimed: int = -1
    last: bool = False
    next: Packet | None = None


_encode = msgspec.msgpack.Encoder().encode
decode_packet = msgspec.msgpack.Decoder(Packet).decode
decode_report = msgspec.msgpack.Decoder(Report).decode


def encode(value: Packet | Report) -> bytes:
    """Return the bytes of a packet or report."""
    return _encode(value)


class Channel:
    """One direction between the consumer and all task processes."""

    def __init__(self) -> None:
        self._tells_end = machine().packets
        self._sender, self._receiver = socket.socketpair(socket.AF_UNIX, machine().socket_kind)
        for end in (self._sender, self._receiver):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def fileno(self) -> int:
        """Return the receiving end's descriptor, for poll."""
        return self._receiver.fileno()

    def close_sender(self) -> None:
        """Give up sending from this process; when all have, receivers read the end."""
        self._sender.close()

    def end(self, readers: int) -> None:
        """Tell all readers, of which there are so many, that nothing more will come."""
        if not self._tells_end:
            for _ in range(readers):
                self.try_send(b"")
        self.close_sender()

    def close_receiver(self) -> None:
        """Give up receiving in this process."""
        self._receiver.close()

    def send(self, content: bytes, flags: int = 0) -> None:
        """Send one message of any size; blocks while the other side is far behind."""
        if len(content) <= INLINE:
            self._sender.send(content, flags)
            return
        with _anonymous_file() as file:
            file.write(content)
            file.flush()
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))
            self._sender.sendmsg([b"F"], [rights], flags)

    def try_send(self, content: bytes) -> bool:
        """Send one message unless that would block; return whether it was sent."""
        try:
            self.send(content, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        return True

    def receive(self, *, block: bool = True) -> bytes | None:
        """Return the next message; b"" when all senders are gone, None when there is none and ``block`` is False."""
        try:
            content, ancillary, _, _ = self._receiver.recvmsg(INLINE + 1, _FD_SPACE, 0 if block else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if ancillary:
            return _read_file(ancillary[0][2])
        return content


def _anonymous_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("celeriac-packet"), "w+b")
    return tempfile.TemporaryFile()


def _read_file(raw: bytes) -> bytes:
    descriptors = array.array("i")
    descriptors.frombytes(raw[: descriptors.itemsize])
    with os.fdopen(descriptors[0], "rb") as file:
        file.seek(0)
        return file.read()
