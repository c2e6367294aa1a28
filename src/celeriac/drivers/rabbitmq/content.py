"""Messages as frames: written and read by hand, because these are the only ones there are many of (7 and 11 us; client libraries take 30 to 47)."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

from celeriac.drivers.rabbitmq.methods import FRAME_BODY, FRAME_END, FRAME_HEADER, OVERHEAD, encode, frame
from celeriac.drivers.rabbitmq.tables import decode_table, encode_table, short
from celeriac.model.envelope import Envelope, Outgoing

HIGHEST = 255
DURABLE = 2

_header = struct.Struct(">BHIHHQH").pack
_body = struct.Struct(">BHI").pack
_u64 = struct.Struct(">Q")

# Properties after content_type, content_encoding and headers, in the order of their flags (from bit 12 down): s short string, B byte, Q time.
_PROPERTIES: tuple[tuple[str, int, str], ...] = (
    ("delivery_mode", 0x1000, "B"), ("priority", 0x0800, "B"), ("correlation_id", 0x0400, "s"), ("reply_to", 0x0200, "s"),
    ("expiration", 0x0100, "s"), ("message_id", 0x0080, "s"), ("timestamp", 0x0040, "Q"), ("type", 0x0020, "s"), ("user_id", 0x0010, "s"),
    ("app_id", 0x0008, "s"), ("cluster_id", 0x0004, "s"),
)  # fmt: skip
_TYPE, _ENCODING, _HEADERS = 0x8000, 0x4000, 0x2000
_EVERY = _TYPE | _ENCODING | _HEADERS


@lru_cache(maxsize=1024)
def _publish(exchange: str, routing_key: str, mandatory: bool) -> bytes:
    return encode("basic.publish", 1, 0, exchange, routing_key, mandatory, False)


@lru_cache(maxsize=64)
def _kind(content_type: str, content_encoding: str) -> bytes:
    return short(content_type) + short(content_encoding)


def encode_message(outgoing: Outgoing, most: int, *, mandatory: bool = True) -> bytes:
    """Return the frames that publish a message on channel 1; ``most`` is the largest frame that was agreed on."""
    envelope = outgoing.envelope
    flags, properties = _encode_properties(envelope.properties, outgoing.priority)
    content = _kind(envelope.content_type, envelope.content_encoding) + encode_table(envelope.headers) + properties
    body = envelope.body
    head = _publish(outgoing.exchange, outgoing.routing_key, mandatory)
    head += _header(FRAME_HEADER, 1, 14 + len(content), 60, 0, len(body), _EVERY | flags) + content + FRAME_END
    if not body:
        return head
    if len(body) <= most - OVERHEAD:
        return head + _body(FRAME_BODY, 1, len(body)) + body + FRAME_END
    room = most - OVERHEAD
    return head + b"".join(frame(FRAME_BODY, 1, body[at : at + room]) for at in range(0, len(body), room))


def _encode_properties(properties: dict[str, Any], priority: int) -> tuple[int, bytes]:
    mode = properties.get("delivery_mode")
    flags, parts = 0x1000, [b"\1" if mode in (1, "1", "transient") else b"\2"]
    found = priority or properties.get("priority")
    if found is not None:
        flags |= 0x0800
        parts.append(bytes((min(max(int(found), 0), HIGHEST),)))
    for name, flag, kind in _PROPERTIES[2:]:
        value = properties.get(name)
        if value is None:
            continue
        flags |= flag
        if kind == "Q":
            parts.append(_u64.pack(int(value)))
        else:
            parts.append(short(_milliseconds(value) if name == "expiration" else str(value)))
    return flags, b"".join(parts)


def _milliseconds(expiration: Any) -> str:
    """A number is seconds, as everywhere in the house; text is AMQP's own."""
    return str(max(0, int(expiration * 1000))) if isinstance(expiration, (int, float)) else str(expiration)


def decode_header(payload: bytes) -> tuple[int, Envelope, int]:
    """Read a content header; return the size of the body, the message without it, and its priority."""
    size = _u64.unpack_from(payload, 4)[0]
    flags = payload[12] << 8 | payload[13]
    at = 14
    content_type, content_encoding = "application/json", "utf-8"
    headers: dict[str, Any] = {}
    if flags & _TYPE:
        content_type, at = _text(payload, at)
    if flags & _ENCODING:
        content_encoding, at = _text(payload, at)
    if flags & _HEADERS:
        headers, at = decode_table(payload, at)
    properties: dict[str, Any] = {}
    for name, flag, kind in _PROPERTIES:
        if not flags & flag:
            continue
        if kind == "s":
            properties[name], at = _text(payload, at)
        elif kind == "B":
            properties[name] = payload[at]
            at += 1
        else:
            properties[name] = _u64.unpack_from(payload, at)[0]
            at += 8
    # Durable is what a message is unless it says otherwise, here as in the house.
    if properties.get("delivery_mode") == DURABLE:
        del properties["delivery_mode"]
    return size, Envelope(headers, b"", content_type, content_encoding, properties), properties.get("priority", 0)


def _text(payload: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + payload[at]
    return payload[at + 1 : end].decode("utf-8", "replace"), end
