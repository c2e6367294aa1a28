"""Remote control messages (pidbox): commands that go to all workers, and the replies."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import DecodeError
from celeriac.wire import serializers

JSON_ONLY = frozenset({serializers.JSON})


class Command(Value, frozen=True):
    """One command; without ``destination`` and ``pattern`` it is for every worker, with a ``ticket`` it wants replies.

    ``matcher`` (glob or pcre) says what kind of pattern it is, ``expires`` (epoch seconds, 0 for never) until when it is obeyed.
    ``reply_exchange`` and ``reply_key`` say where replies go.
    """

    method: str
    arguments: dict[str, Any] = {}
    destination: list[str] | None = None
    pattern: str | None = None
    matcher: str | None = None
    ticket: str | None = None
    reply_exchange: str = ""
    reply_key: str = ""
    clock: int = 0
    expires: float = 0


class Reply(Value, frozen=True):
    """One node's answer to the command with the same ``ticket``."""

    node: str
    answer: Any
    ticket: str | None = None
    clock: int = 0


def mailbox(namespace: str = "celery") -> str:
    """Return the name of the exchange (fanout) of commands; the namespace is the setting ``control_exchange``."""
    return f"{namespace}.pidbox"


def reply_mailbox(namespace: str = "celery") -> str:
    """Return the name of the exchange (direct) of replies."""
    return f"reply.{namespace}.pidbox"


def encode_command(command: Command, *, namespace: str = "celery", serializer: str = "json") -> Outgoing:
    """Write a command with its destination."""
    body: dict[str, Any] = {
        "method": command.method,
        "arguments": command.arguments,
        "destination": command.destination,
        "pattern": command.pattern,
        "matcher": command.matcher,
    }
    if command.ticket is not None:
        body["ticket"] = command.ticket
        body["reply_to"] = {"exchange": command.reply_exchange, "routing_key": command.reply_key}
    content_type, content_encoding, encoded = serializers.dumps(body, serializer)
    headers = {"clock": command.clock, "expires": command.expires}
    return Outgoing(Envelope(headers, encoded, content_type, content_encoding, {"delivery_mode": 2}), "", mailbox(namespace))


def decode_command(envelope: Envelope, accept: frozenset[str] | None = JSON_ONLY) -> Command:
    """Read a command; raises DecodeError or ContentDisallowed."""
    body = serializers.loads(envelope.body, envelope.content_type, envelope.content_encoding, accept)
    if not isinstance(body, dict) or not isinstance(body.get("method"), str):
        raise DecodeError("A remote control message cannot be read: its body is no object with a 'method'.")
    arguments, reply_to, destination = body.get("arguments") or {}, body.get("reply_to") or {}, body.get("destination")
    if not isinstance(arguments, dict) or not isinstance(reply_to, dict) or not isinstance(destination, list | tuple | None):
        raise DecodeError(f"The remote control message {body['method']!r} cannot be read: its arguments, destination or reply_to are malformed.")
    return Command(
        body["method"],
        arguments,
        None if destination is None else list(destination),
        body.get("pattern"),
        body.get("matcher"),
        body.get("ticket"),
        reply_to.get("exchange") or "",
        reply_to.get("routing_key") or "",
        envelope.headers.get("clock") or 0,
        envelope.headers.get("expires") or 0,
    )


def encode_reply(reply: Reply, *, exchange: str, routing_key: str, serializer: str = "json") -> Outgoing:
    """Write a reply; ``exchange`` and ``routing_key`` are those that the command named."""
    content_type, content_encoding, encoded = serializers.dumps({reply.node: reply.answer}, serializer)
    headers = {"ticket": reply.ticket, "clock": reply.clock}
    return Outgoing(Envelope(headers, encoded, content_type, content_encoding, {"delivery_mode": 1}), routing_key, exchange)


def decode_reply(envelope: Envelope, accept: frozenset[str] | None = JSON_ONLY) -> Reply:
    """Read a reply; raises DecodeError or ContentDisallowed."""
    body = serializers.loads(envelope.body, envelope.content_type, envelope.content_encoding, accept)
    if not isinstance(body, dict) or len(body) != 1:
        raise DecodeError("A reply to a remote control message cannot be read: its body is no object with one node's name.")
    (node, answer) = next(iter(body.items()))
    return Reply(node, answer, envelope.headers.get("ticket"), envelope.headers.get("clock") or 0)
