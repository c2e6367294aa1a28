"""The JSON envelope of stores that are not AMQP: headers, properties and a body in base64, in one text."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from typing import Any

import msgspec

from celeriac.lib.value import Value
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import DecodeError


class Unpacked(Value, frozen=True):
    """An envelope with what the store's text says of its way; ``tag`` is the sender's delivery tag."""

    envelope: Envelope
    exchange: str = ""
    routing_key: str = ""
    priority: int = 0
    tag: str = ""
    redelivered: bool = False


class _Text(msgspec.Struct, frozen=True, rename={"content_type": "content-type", "content_encoding": "content-encoding"}):
    body: Any = ""
    content_encoding: str | None = None
    content_type: str | None = None
    headers: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Text)
_TRANSPORT_PROPERTIES = frozenset({"delivery_info", "body_encoding", "delivery_tag"})


def pack(outgoing: Outgoing, *, tag: str, redelivered: bool = False) -> bytes:
    """Write a message with its destination; ``tag`` is a unique delivery tag."""
    envelope = outgoing.envelope
    way: dict[str, Any] = {"exchange": outgoing.exchange, "routing_key": outgoing.routing_key}
    if redelivered:
        way["redelivered"] = True
    text = {
        "body": b2a_base64(envelope.body, newline=False).decode("ascii"),
        "content-encoding": envelope.content_encoding,
        "content-type": envelope.content_type,
        "headers": envelope.headers,
        "properties": {**envelope.properties, "delivery_info": way, "priority": outgoing.priority, "body_encoding": "base64", "delivery_tag": tag},
    }
    try:
        return msgspec.json.encode(text)
    except (UnicodeEncodeError, TypeError):
        # Lone surrogates and subclasses of text: only Python's own module writes them.
        return json.dumps(text).encode("ascii")


def unpack(text: bytes) -> Unpacked:
    """Read a message; raises DecodeError when the text is no such envelope."""
    try:
        found = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _lenient(text)
    properties = found.properties or {}
    way = properties.get("delivery_info") or {}
    envelope = Envelope(
        found.headers or {},
        _body(found.body, properties.get("body_encoding"), found.content_encoding),
        found.content_type or "",
        found.content_encoding or "",
        {name: value for name, value in properties.items() if name not in _TRANSPORT_PROPERTIES},
    )
    if not isinstance(way, dict):
        raise DecodeError("The message's delivery_info is not an object.")
    return Unpacked(
        envelope,
        way.get("exchange") or "",
        way.get("routing_key") or "",
        _whole(properties.get("priority")),
        str(properties.get("delivery_tag") or ""),
        bool(way.get("redelivered") or properties.get("redelivered") or envelope.headers.get("redelivered")),
    )


def _lenient(text: bytes) -> _Text:
    try:
        return msgspec.convert(json.loads(text), _Text)
    except (ValueError, TypeError, RecursionError, msgspec.ValidationError) as error:
        raise DecodeError(f"The message is not the JSON envelope of a store (body, headers, properties): {error}") from error


def _body(body: Any, body_encoding: Any, content_encoding: str | None) -> bytes:
    if not isinstance(body, str):
        # Some producers put the arguments into the envelope as they are.
        return json.dumps(body).encode("ascii")
    if body_encoding == "base64":
        try:
            return a2b_base64("".join(body.split()), strict_mode=True)
        except ValueError as error:
            raise DecodeError(f"The message's body is not base64: {error}") from error
    try:
        return body.encode("utf-8" if (content_encoding or "").lower() in ("", "binary", "ascii-8bit") else content_encoding or "utf-8")
    except (UnicodeEncodeError, LookupError) as error:
        raise DecodeError(f"The message's body is not text in {content_encoding}: {error}") from error


def _whole(priority: Any) -> int:
    return priority if isinstance(priority, int) else 0
