"""How a message is kept in a row: MessagePack of its envelope and destination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from celeriac.contracts.broker import MOST_DEATHS, lost_with_its_worker
from celeriac.lib.value import Value
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Tag
from celeriac.model.errors import EncodeError

_SEQUENCE_BITS = 40
_PRIORITY_BITS = 8
_QUEUE_SHIFT = _SEQUENCE_BITS + _PRIORITY_BITS
HIGHEST = (1 << _PRIORITY_BITS) - 1
MOST_QUEUES = (1 << 15) - 1
MOST_MESSAGES = (1 << _SEQUENCE_BITS) - 1
DEATHS = "celeriac-deaths"
"""The property that tells how earlier attempts ended whose process died."""


class Stored(Value, frozen=True, array_like=True):
    """What a row holds of a message."""

    headers: dict[str, Any]
    body: bytes
    content_type: str
    content_encoding: str
    properties: dict[str, Any]
    exchange: str
    routing_key: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Stored).decode


def position(queue: int, priority: int, sequence: int) -> int:
    """Return a message's place in line: small numbers are served first."""
    return queue << _QUEUE_SHIFT | (HIGHEST - min(max(priority, 0), HIGHEST)) << _SEQUENCE_BITS | sequence


def span(queue: int) -> tuple[int, int]:
    """Return the first and last position of a queue."""
    return queue << _QUEUE_SHIFT, (queue + 1 << _QUEUE_SHIFT) - 1


def queue_of(place: int) -> int:
    """Return the queue's number of a position."""
    return place >> _QUEUE_SHIFT


def pack(outgoing: Outgoing) -> bytes:
    """Encode a message for its row."""
    e = outgoing.envelope
    try:
        return _encode((e.headers, e.body, e.content_type, e.content_encoding, e.properties, outgoing.exchange, outgoing.routing_key))
    except (TypeError, ValueError, OverflowError) as error:
        raise EncodeError(f"The headers or properties of a message for {outgoing.routing_key!r} cannot be stored: {error}") from error


def unpack(payload: bytes) -> tuple[Envelope, str, str]:
    """Return a row's envelope, exchange and routing key."""
    s = _decode(payload)
    return Envelope(s.headers, s.body, s.content_type, s.content_encoding, s.properties), s.exchange, s.routing_key


def with_deaths(payload: bytes, deaths: Sequence[str]) -> bytes:
    """Return a row's message that tells of its attempts."""
    s = _decode(payload)
    properties = {**s.properties, DEATHS: list(deaths[-MOST_DEATHS:])}
    return _encode((s.headers, s.body, s.content_type, s.content_encoding, properties, s.exchange, s.routing_key))


def lost_with(payload: bytes, tries: int, now: float, owner: str) -> bytes:
    """Return a row's message that tells that its owner was lost with it."""
    before = _decode(payload).properties.get(DEATHS, ())
    return with_deaths(payload, (*before, lost_with_its_worker(tries + 1, now, owner)))


def as_new(payload: bytes) -> bytes:
    """Return a row's message that tells of no attempts."""
    s = _decode(payload)
    if DEATHS not in s.properties:
        return payload
    properties = {name: value for name, value in s.properties.items() if name != DEATHS}
    return _encode((s.headers, s.body, s.content_type, s.content_encoding, properties, s.exchange, s.routing_key))


def delivery(tag: Tag, queue: str, place: int, tries: int, payload: bytes) -> Delivery:
    """Return a row as it is handed out."""
    envelope, exchange, routing_key = unpack(payload)
    priority = HIGHEST - (place >> _SEQUENCE_BITS & HIGHEST)
    deaths = tuple(envelope.properties.pop(DEATHS, ())) if tries else ()
    return Delivery(tag, queue, envelope, tries > 0, tries + 1, exchange, routing_key, priority, deaths)
