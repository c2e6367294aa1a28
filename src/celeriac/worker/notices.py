"""What the supervisor tells the consumer."""

from __future__ import annotations

from typing import Literal

import msgspec

from celeriac.lib.value import Value
from celeriac.worker.slots import Snapshot


class Notice(Value, frozen=True):
    """One message: a task process died (with its slot as it was), or a phase of the shutdown begins.

    ``stop``: fetch no more, finish what runs. ``cold``: the task processes are being killed. ``end``: all of them are gone.
    ``again``: what remote control had changed before the consumer was restarted (``what``).
    """

    kind: Literal["died", "stop", "cold", "end", "again"]
    slot: Snapshot | None = None
    reason: str = ""
    signal: int | None = None
    limit: float | None = None
    """The hard time limit (seconds) for which the process was killed."""
    terminated: int | None = None
    """The signal by which remote control had its job ended."""
    memory: int | None = None
    """The most resident memory that it has had (KiB)."""
    log: str = ""
    """The last lines that it logged."""
    what: bytes = b""


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Notice).decode
