"""How an entry lies in the schedule store: its definition, where it came from, and since when it counts."""

from __future__ import annotations

from celeriac.contracts.schedule_store import ScheduleRecord
from celeriac.lib.value import Value
from celeriac.wire import json_codec

CODE, RUN_TIME = "code", "run time"
"""Where an entry came from; what came from code goes when it vanishes from there."""


class Stored(Value, frozen=True):
    """The body of a record, read."""

    text: bytes
    """The encoded definition."""
    source: str
    since: float
    """From when on its slots count (epoch seconds)."""
    paused: bool = False


def body_of(stored: Stored) -> bytes:
    """Write a body."""
    head = {"source": stored.source, "since": stored.since, "paused": stored.paused}
    return json_codec.encode(head) + b"\n" + stored.text


def stored_of(record: ScheduleRecord) -> Stored:
    """Read a body."""
    head, _, text = record.body.partition(b"\n")
    plain = json_codec.decode(head)
    return Stored(text, plain["source"], plain["since"], plain["paused"])
