"""A call packed to be sent later: its messages, and what the result store has to know before they run."""

from __future__ import annotations

import msgspec

from celeriac.lib.value import Value
from celeriac.model.envelope import Outgoing
from celeriac.model.plan import ChordSize
from celeriac.model.record import GroupRecord, ResultRecord


class Parcel(Value, frozen=True):
    """Encoded messages in the order in which they are sent."""

    outgoing: tuple[Outgoing, ...]
    groups: tuple[GroupRecord, ...] = ()
    chords: tuple[ChordSize, ...] = ()
    kept: tuple[ResultRecord, ...] = ()


_decoder = msgspec.msgpack.Decoder(Parcel)


def packed(parcel: Parcel) -> bytes:
    """Write a parcel."""
    return msgspec.msgpack.encode(parcel)


def unpacked(body: bytes) -> Parcel:
    """Read a parcel; ValueError when it is none."""
    return _decoder.decode(body)
