"""Bodies of long chains: the steps that are still to come are neither read nor written anew."""

from __future__ import annotations

from typing import Any

import msgspec

from celeriac.model.envelope import Envelope
from celeriac.model.steps import Steps
from celeriac.model.task_message import TaskMessage
from celeriac.wire import json_codec, serializers

JSON = "application/json"
LONG = 2_000
"""Bytes of a body from which on it is worth it."""


class _Embed(msgspec.Struct, frozen=True):
    callbacks: Any = None
    errbacks: Any = None
    chain: list[msgspec.Raw] | None = None
    chord: Any = None


_read: msgspec.json.Decoder[tuple[list[Any], dict[str, Any], _Embed]] = msgspec.json.Decoder(tuple[list[Any], dict[str, Any], _Embed])


def read(envelope: Envelope, accept: frozenset[str] | None) -> tuple[list[Any], dict[str, Any], dict[str, Any]] | None:
    """Return (args, kwargs, embed) of a long chain's message, its steps unread; None when the body has to be read in the ordinary way."""
    body = envelope.body
    if len(body) < LONG or envelope.content_type != JSON or "compression" in envelope.headers or (accept is not None and JSON not in accept):
        return None
    if b'"chain": [' not in body or json_codec.MARK in body:
        return None
    try:
        args, kwargs, embed = _read.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    steps = Steps(list(map(bytes, embed.chain)), json_codec.decode) if embed.chain else None
    return args, kwargs, {"callbacks": embed.callbacks, "errbacks": embed.errbacks, "chain": steps, "chord": embed.chord}


def write(message: TaskMessage, steps: Steps, names: tuple[str, ...]) -> tuple[str, str, bytes]:
    """Return content type, encoding and body of a message whose steps are as they were read."""
    embed = {"callbacks": message.callbacks, "errbacks": message.errbacks}
    kind, encoding, front = serializers.dumps((message.args, message.kwargs, embed), "json", names=names)
    chord = json_codec.encode(message.chord)
    return kind, encoding, b'%b, "chain": [%b], "chord": %b}]' % (front[:-2], b", ".join(steps.texts), chord)
