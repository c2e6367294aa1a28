"""What the consumer asks of the supervisor, for remote control and autoscaling."""

from __future__ import annotations

from typing import Literal

import msgspec

from celeriac.lib.value import Value


class Request(Value, frozen=True):
    """One message: end the job that a process runs, have so many task processes, replace them all, or begin a warm shutdown.

    ``terminate`` names the job by slot, process, packet and its number in the packet: one that has ended meanwhile is not confused with the next.
    """

    kind: Literal["terminate", "resize", "restart", "shutdown"]
    count: int = 0
    index: int = 0
    pid: int = 0
    packet: int = 0
    claimed: int = 0
    signal: int = 0


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Request).decode
