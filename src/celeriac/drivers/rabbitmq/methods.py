"""The methods of AMQP 0-9-1 that this driver speaks, as numbers and argument types: the protocol has not changed since 2008."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from celeriac.drivers.rabbitmq.tables import decode_table, encode_table, short

FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT = 1, 2, 3, 8
FRAME_END = b"\xce"
OVERHEAD = 8
"""Bytes that a frame needs besides its payload."""

_frame = struct.Struct(">BHI").pack
_NUMBERS = {"H": struct.Struct(">H"), "I": struct.Struct(">I"), "Q": struct.Struct(">Q"), "B": struct.Struct(">B")}


class Method(NamedTuple):
    """A method as it came: its name and its arguments."""

    name: str
    values: tuple[Any, ...]


# B H I Q: unsigned numbers; s: short string; S: long string; F: table; b: bit (neighbours share a byte).
_SPECIFICATION: dict[str, tuple[int, int, str]] = {
    "connection.start": (10, 10, "BBFSS"), "connection.start-ok": (10, 11, "FsSs"), "connection.secure": (10, 20, "S"),
    "connection.tune": (10, 30, "HIH"), "connection.tune-ok": (10, 31, "HIH"), "connection.open": (10, 40, "ssb"),
    "connection.open-ok": (10, 41, "s"), "connection.close": (10, 50, "HsHH"), "connection.close-ok": (10, 51, ""),
    "connection.blocked": (10, 60, "s"), "connection.unblocked": (10, 61, ""),
    "channel.open": (20, 10, "s"), "channel.open-ok": (20, 11, "S"), "channel.flow": (20, 20, "b"), "channel.flow-ok": (20, 21, "b"),
    "channel.close": (20, 40, "HsHH"), "channel.close-ok": (20, 41, ""),
    "exchange.declare": (40, 10, "HssbbbbbF"), "exchange.declare-ok": (40, 11, ""),
    "exchange.delete": (40, 20, "Hsbb"), "exchange.delete-ok": (40, 21, ""),
    "exchange.bind": (40, 30, "HsssbF"), "exchange.bind-ok": (40, 31, ""),
    "queue.declare": (50, 10, "HsbbbbbF"), "queue.declare-ok": (50, 11, "sII"), "queue.bind": (50, 20, "HsssbF"), "queue.bind-ok": (50, 21, ""),
    "queue.purge": (50, 30, "Hsb"), "queue.purge-ok": (50, 31, "I"), "queue.delete": (50, 40, "Hsbbb"), "queue.delete-ok": (50, 41, "I"),
    "basic.qos": (60, 10, "IHb"), "basic.qos-ok": (60, 11, ""), "basic.consume": (60, 20, "HssbbbbF"), "basic.consume-ok": (60, 21, "s"),
    "basic.cancel": (60, 30, "sb"), "basic.cancel-ok": (60, 31, "s"), "basic.publish": (60, 40, "Hssbb"), "basic.return": (60, 50, "Hsss"),
    "basic.deliver": (60, 60, "sQbss"), "basic.get": (60, 70, "Hsb"), "basic.get-ok": (60, 71, "QbssI"), "basic.get-empty": (60, 72, "s"),
    "basic.ack": (60, 80, "Qb"), "basic.reject": (60, 90, "Qb"), "basic.nack": (60, 120, "Qbb"),
    "confirm.select": (85, 10, "b"), "confirm.select-ok": (85, 11, ""),
    "tx.select": (90, 10, ""), "tx.select-ok": (90, 11, ""), "tx.commit": (90, 20, ""), "tx.commit-ok": (90, 21, ""),
}  # fmt: skip

_BY_NUMBER = {struct.pack(">HH", kind, number): (name, form) for name, (kind, number, form) in _SPECIFICATION.items()}


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """Return a frame."""
    return _frame(kind, channel, len(payload)) + payload + FRAME_END


def encode(name: str, channel: int, *values: Any) -> bytes:
    """Return a method's frame."""
    kind, number, form = _SPECIFICATION[name]
    parts = [struct.pack(">HH", kind, number)]
    bits, place = 0, 0
    for letter, value in zip(form, values):
        if letter == "b":
            bits |= bool(value) << place
            place += 1
            continue
        if place:
            parts.append(bytes((bits,)))
            bits = place = 0
        parts.append(_encode(letter, value))
    if place:
        parts.append(bytes((bits,)))
    return frame(FRAME_METHOD, channel, b"".join(parts))


def _encode(letter: str, value: Any) -> bytes:
    if letter == "s":
        return short(value)
    if letter == "S":
        content = value.encode() if isinstance(value, str) else bytes(value)
        return struct.pack(">I", len(content)) + content
    if letter == "F":
        return encode_table(value)
    return _NUMBERS[letter].pack(value)


def decode(payload: bytes) -> Method:
    """Read a method frame's payload; raises ValueError for one that is not known."""
    known = _BY_NUMBER.get(payload[:4])
    if known is None:
        raise ValueError(f"unknown AMQP method {payload[:4]!r}")
    name, form = known
    values: list[Any] = []
    at, place = 4, 0
    for letter in form:
        if letter == "b":
            values.append(bool(payload[at] >> place & 1))
            place += 1
            continue
        if place:
            at, place = at + 1, 0
        value, at = _decode(payload, letter, at)
        values.append(value)
    return Method(name, tuple(values))


def _decode(payload: bytes, letter: str, at: int) -> tuple[Any, int]:
    if letter == "s":
        end = at + 1 + payload[at]
        return payload[at + 1 : end].decode("utf-8", "replace"), end
    if letter == "S":
        end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
        return payload[at + 4 : end].decode("utf-8", "replace"), end
    if letter == "F":
        return decode_table(payload, at)
    reader = _NUMBERS[letter]
    return reader.unpack_from(payload, at)[0], at + reader.size
