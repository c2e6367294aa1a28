"""Events on the wire: one to a message, or task events in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import DecodeError
from celeriac.model.event import Event
from celeriac.wire import serializers

EXCHANGE = "celeryev"
BATCH_KEY = "task.multi"
JSON_ONLY = frozenset({serializers.JSON})


def body_of(event: Event, *, hostname: str, pid: int, clock: int, utcoffset: float = 0.0) -> dict[str, Any]:
    """Return an event's fields with those that every event has; ``utcoffset`` is hours west of UTC, ``clock`` the Lamport clock."""
    return {
        "hostname": hostname,
        "utcoffset": utcoffset,
        "pid": pid,
        "clock": clock,
        **event.fields,
        "timestamp": event.timestamp,
        "type": event.type,
    }


def routing_key(event_type: str) -> str:
    """Return the routing key of an event type: ``task-sent`` goes by ``task.sent``."""
    return event_type.replace("-", ".")


def encode_event(body: dict[str, Any], *, exchange: str = EXCHANGE, serializer: str = "json", delivery_mode: int = 1) -> Outgoing:
    """Write one event."""
    return _outgoing(body, body["hostname"], routing_key(body["type"]), exchange, serializer, delivery_mode)


def encode_batch(
    bodies: Sequence[dict[str, Any]], *, exchange: str = EXCHANGE, serializer: str = "json", delivery_mode: int = 1, plain: bool = False
) -> Outgoing:
    """Write several task events as one message; there is at least one, and all have one hostname.

    ``plain`` says that they hold nothing but text, numbers, lists and None, which are written three times as fast.
    """
    if plain and serializer == "json":
        try:
            return _enclosed(msgspec.json.encode(bodies), serializers.JSON, "utf-8", bodies[0]["hostname"], BATCH_KEY, exchange, delivery_mode)
        except (TypeError, UnicodeEncodeError):
            pass  # lone surrogates in somebody's repr
    return _outgoing(list(bodies), bodies[0]["hostname"], BATCH_KEY, exchange, serializer, delivery_mode)


def decode_events(envelope: Envelope, accept: frozenset[str] | None = JSON_ONLY) -> list[dict[str, Any]]:
    """Read the bodies of the events in a message; raises DecodeError or ContentDisallowed."""
    found = serializers.loads(envelope.body, envelope.content_type, envelope.content_encoding, accept)
    bodies = found if isinstance(found, list) else [found]
    for body in bodies:
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            raise DecodeError("An event cannot be read: its body is no object with a 'type'.")
    return bodies


def _outgoing(body: Any, hostname: str, key: str, exchange: str, serializer: str, delivery_mode: int) -> Outgoing:
    content_type, content_encoding, encoded = serializers.dumps(body, serializer)
    return _enclosed(encoded, content_type, content_encoding, hostname, key, exchange, delivery_mode)


def _enclosed(encoded: bytes, content_type: str, content_encoding: str, hostname: str, key: str, exchange: str, delivery_mode: int) -> Outgoing:
    envelope = Envelope({"hostname": hostname}, encoded, content_type, content_encoding, {"delivery_mode": delivery_mode})
    return Outgoing(envelope, key, exchange)
