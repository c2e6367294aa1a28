"""Task message protocol, version 1: everything in the body, as an object. Written for old consumers on request, always read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celeriac.lib.saferepr import saferepr
from celeriac.model.envelope import Envelope
from celeriac.model.errors import InvalidTaskError
from celeriac.model.task_message import TaskMessage
from celeriac.wire import compression, serializers
from celeriac.wire.task_v2 import TaskHead, read_body, short_repr, wire_properties
from celeriac.wire.times import format_time, parse_time


def encode(message: TaskMessage, *, serializer: str, compress: str | None, properties: dict[str, Any] | None) -> Envelope:
    """Write a message; a chain becomes nested callbacks, which is all that version 1 knows of chains."""
    body = {
        "task": message.task,
        "id": message.id,
        "args": message.args,
        "kwargs": message.kwargs,
        "group": message.group,
        "group_index": message.group_index,
        "retries": message.retries,
        "eta": message.eta,
        "expires": message.expires,
        "utc": True,
        "callbacks": _callbacks(message),
        "errbacks": message.errbacks,
        "timelimit": message.timelimit,
        "taskset": message.group,
        "chord": message.chord,
    }
    content_type, content_encoding, encoded = serializers.dumps(body, serializer)
    headers = dict(message.headers)
    if compress:
        encoded, headers["compression"] = compression.compress(encoded, compress)
    return Envelope(headers, encoded, content_type, content_encoding, wire_properties(message, properties))


def decode(envelope: Envelope, accept: frozenset[str] | None) -> TaskMessage:
    """Read a message whose body names its task."""
    body = _checked(read_body(envelope, accept), envelope)
    args, kwargs = body.get("args") or (), body.get("kwargs") or {}
    if not isinstance(args, (list, tuple)) or not isinstance(kwargs, dict):
        raise InvalidTaskError(f"{body['task']}[{body['id']}]: 'args' must be a list and 'kwargs' an object.")
    retries = body.get("retries") or 0
    if not isinstance(retries, int):
        raise InvalidTaskError(f"{body['task']}[{body['id']}]: 'retries' must be a whole number, but it is {saferepr(retries, 100)}.")
    hard, soft = _limits(body)
    return TaskMessage(
        task=body["task"],
        id=body["id"],
        args=args,
        kwargs=kwargs,
        callbacks=body.get("callbacks"),
        errbacks=body.get("errbacks"),
        chord=body.get("chord"),
        eta=_instant(body, "eta"),
        expires=_instant(body, "expires"),
        group=body.get("group") or body.get("taskset"),
        group_index=body.get("group_index"),
        retries=retries,
        timelimit=(hard, soft),
        argsrepr=short_repr(args),
        kwargsrepr=short_repr(kwargs),
        headers={name: value for name, value in envelope.headers.items() if name != "compression"},
        reply_to=envelope.properties.get("reply_to"),
        correlation_id=envelope.properties.get("correlation_id"),
    )


def peek(envelope: Envelope, accept: frozenset[str] | None) -> TaskHead:
    """Read the head of a message; the whole body has to be decoded for it."""
    message = decode(envelope, accept)
    return TaskHead(
        task=message.task,
        id=message.id,
        eta=message.eta,
        expires=message.expires,
        retries=message.retries,
        timelimit=message.timelimit,
        group=message.group,
        group_index=message.group_index,
        argsrepr=message.argsrepr,
        kwargsrepr=message.kwargsrepr,
        lang=message.lang,
        reply_to=message.reply_to,
        correlation_id=message.correlation_id,
    )


def _callbacks(message: TaskMessage) -> Sequence[Any] | None:
    if not message.chain:
        return message.callbacks
    following: dict[str, Any] | None = None
    for step in message.chain:
        options = dict(step.get("options") or {})
        if following is not None:
            options["link"] = [*(options.get("link") or ()), following]
        following = {**step, "options": options}
    return [*(message.callbacks or ()), following]


def _checked(body: Any, envelope: Envelope) -> dict[str, Any]:
    if isinstance(body, dict) and isinstance(body.get("task"), str) and isinstance(body.get("id"), str):
        return body
    raise InvalidTaskError(
        "This is not a task message: it has neither the headers 'task' and 'id' (protocol 2) nor a body with 'task' and 'id' (protocol 1). "
        f"Headers: {saferepr(envelope.headers, 200)}. Body: {saferepr(body, 200)}."
    )


def _limits(body: dict[str, Any]) -> tuple[float | None, float | None]:
    limits = body.get("timelimit") or (None, None)
    if isinstance(limits, (list, tuple)) and len(limits) == 2:
        return limits[0], limits[1]
    raise InvalidTaskError(f"{body['task']}[{body['id']}]: 'timelimit' must be [hard, soft], but it is {saferepr(limits, 100)}.")


def _instant(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None or (isinstance(value, str) and body.get("utc", True)):
        return value
    # Without utc a text without an offset is in local time: both ends of such a queue are in one zone.
    return format_time(parse_time(value, naive=None))
