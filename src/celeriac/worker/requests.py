"""What the consumer asks of the supervisor, for remote control and autoscaling."""

from __future__ import annotations

from typing import Literal

import msgspec

from celeriac.lib.value import Value


class Request(Value, frozen=True):
    """One message: end the job that a process runs, have so many task processes, replace them all, begin a warm shutdown, or remember.

    ``terminate`` names the job by slot, process, packet and its number in the packet: one that has ended meanwhile is not confused with the next.
    ``restart`` says what the new ones have to load (``what``, empty for nothing).
    ``remember`` keeps something (``what``) that the next consumer is to be told when this one has died; the last one of a ``key`` counts.
    """

    kind: Literal["terminate", "resize", "restart", "shutdown", "remember"]
    count: int = 0
    index: int = 0
    pid: int = 0
    packet: int = 0
    claimed: int = 0
    signal: int = 0
    key: str = ""
    what: bytes = b""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Request).decode
