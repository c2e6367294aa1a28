"""Task message protocol, version 2: the call's head in the headers, its arguments in the body."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from celeriac.lib.saferepr import saferepr
from celeriac.lib.value import Value
from celeriac.model.envelope import Envelope
from celeriac.model.errors import DecodeError, ImproperlyConfigured, InvalidTaskError
from celeriac.model.steps import Steps
from celeriac.model.task_message import TaskMessage
from celeriac.wire import compression, long_chains, serializers

BODY_NAMES = ("args", "kwargs", "embed")
NOTHING_EMBEDDED: dict[str, Any] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
REPR_MAX = 1024


class TaskHead(Value, frozen=True):
    """What a message says of its task without its arguments: enough to accept or refuse it."""

    task: str
    id: str
    eta: str | None = None
    expires: str | None = None
    retries: int = 0
    timelimit: tuple[float | None, float | None] = (None, None)
    root_id: str | None = None
    parent_id: str | None = None
    group: str | None = None
    group_index: int | None = None
    ignore_result: bool = False
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    shadow: str | None = None
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] = {}
    origin: str | None = None
    lang: str | None = None
    replaced_task_nesting: int = 0
    reply_to: str | None = None
    correlation_id: str | None = None


class _Headers(msgspec.Struct, frozen=True):
    """The headers of the protocol, all but two optional: producers in other languages write few of them, or null."""

    task: str
    id: str
    lang: str | None = None
    shadow: str | None = None
    eta: str | None = None
    expires: str | None = None
    group: str | None = None
    group_index: int | None = None
    retries: int | None = None
    timelimit: tuple[int | float | None, int | float | None] | None = None
    root_id: str | None = None
    parent_id: str | None = None
    argsrepr: str | None = None
    kwargsrepr: str | None = None
    origin: str | None = None
    ignore_result: bool | None = None
    replaced_task_nesting: int | None = None
    stamped_headers: list[str] | None = None
    stamps: dict[str, Any] | None = None


SENT = "celeriac_sent"
"""A header of ours: when a follow-up was sent (epoch seconds)."""

_OWN = frozenset((*_Headers.__struct_fields__, "compression", SENT))
_NO_LIMITS = (None, None)
_CONTAINERS = (tuple, list, dict)
_NUMBERS = frozenset({int, float, bool, type(None)})
_FEW = 16


def encode(message: TaskMessage, *, serializer: str, compress: str | None, properties: dict[str, Any] | None) -> Envelope:
    """Write a message; raises EncodeError that says which argument cannot be written."""
    steps = message.chain
    if isinstance(steps, Steps) and serializer == "json":
        content_type, content_encoding, body = long_chains.write(message, steps, BODY_NAMES)
    else:
        content_type, content_encoding, body = serializers.dumps(_body(message), serializer, names=BODY_NAMES)
    headers = _headers(message)
    if compress:
        body, headers["compression"] = compression.compress(body, compress)
    return Envelope(headers, body, content_type, content_encoding, wire_properties(message, properties))


def decode(envelope: Envelope, accept: frozenset[str] | None) -> TaskMessage:
    """Read a message whose headers name its task."""
    headers = envelope.headers
    found = _checked(headers)
    args, kwargs, embed = long_chains.read(envelope, accept) or _parts(read_body(envelope, accept), found)
    extra = {} if _OWN.issuperset(headers) else {name: headers[name] for name in headers if name not in _OWN}
    properties = envelope.properties
    # By position: with keywords this call costs as much as decoding the body.
    return TaskMessage(
        found.task, found.id, args, kwargs,
        embed.get("callbacks"), embed.get("errbacks"), embed.get("chain"), embed.get("chord"),
        found.lang or "py", found.shadow, found.eta, found.expires, found.group, found.group_index,
        found.retries or 0, found.timelimit or _NO_LIMITS, found.root_id, found.parent_id, found.argsrepr, found.kwargsrepr,
        found.origin, found.ignore_result, found.replaced_task_nesting or 0, found.stamped_headers, found.stamps or {},
        extra, properties.get("reply_to"), properties.get("correlation_id"),
    )  # fmt: skip


def peek(envelope: Envelope) -> TaskHead:
    """Read the head of a message whose headers name its task; the body stays closed."""
    found = _checked(envelope.headers)
    properties = envelope.properties
    return TaskHead(
        found.task, found.id, found.eta, found.expires, found.retries or 0, found.timelimit or _NO_LIMITS, found.root_id, found.parent_id,
        found.group, found.group_index, found.ignore_result or False, found.argsrepr, found.kwargsrepr, found.shadow, found.stamped_headers,
        found.stamps or {}, found.origin, found.lang, found.replaced_task_nesting or 0, properties.get("reply_to"), properties.get("correlation_id"),
    )  # fmt: skip


def read_body(envelope: Envelope, accept: frozenset[str] | None) -> Any:
    """Expand and decode a body; the errors name the task."""
    body = envelope.body
    method = envelope.headers.get("compression")
    try:
        if method:
            body = compression.decompress(body, method)
        return serializers.loads(body, envelope.content_type, envelope.content_encoding, accept)
    except DecodeError as error:
        raise type(error)(f"{_label(envelope.headers)}: {error}") from error
    except ImproperlyConfigured as error:
        raise DecodeError(f"{_label(envelope.headers)}: {error}") from error


def short_repr(value: Any) -> str:
    """Return the text of arguments for logs and monitors."""
    values = value.values() if type(value) is dict else value
    if type(value) in _CONTAINERS and len(value) <= _FEW and _NUMBERS.issuperset(map(type, values)):
        with contextlib.suppress(ValueError):  # Python refuses to write out integers of thousands of digits
            text = repr(value)
            if len(text) <= REPR_MAX:
                return text
    return saferepr(value, REPR_MAX)


def wire_properties(message: TaskMessage, properties: dict[str, Any] | None) -> dict[str, Any]:
    """Return the message properties; those of the call win."""
    made = {"correlation_id": message.correlation_id or message.id, "reply_to": message.reply_to or "", "delivery_mode": 2}
    return {**made, **properties} if properties else made


def _body(message: TaskMessage) -> tuple[Any, Any, dict[str, Any]]:
    if message.callbacks is None and message.errbacks is None and message.chain is None and message.chord is None:
        return message.args, message.kwargs, NOTHING_EMBEDDED
    chain = list(message.chain) if isinstance(message.chain, Steps) else message.chain
    embed = {"callbacks": message.callbacks, "errbacks": message.errbacks, "chain": chain, "chord": message.chord}
    return message.args, message.kwargs, embed


def _headers(message: TaskMessage) -> dict[str, Any]:
    headers = {
        "lang": message.lang,
        "task": message.task,
        "id": message.id,
        "shadow": message.shadow,
        "eta": message.eta,
        "expires": message.expires,
        "group": message.group,
        "group_index": message.group_index,
        "retries": message.retries,
        "timelimit": list(message.timelimit),
        "root_id": message.root_id or message.id,
        "parent_id": message.parent_id,
        "argsrepr": short_repr(message.args) if message.argsrepr is None else message.argsrepr,
        "kwargsrepr": short_repr(message.kwargs) if message.kwargsrepr is None else message.kwargsrepr,
        "origin": message.origin,
        "ignore_result": message.ignore_result,
        "replaced_task_nesting": message.replaced_task_nesting,
        "stamped_headers": message.stamped_headers,
        "stamps": message.stamps,
    }
    if message.headers:
        headers.update((name, value) for name, value in message.headers.items() if name not in _OWN)
    return headers


def _checked(headers: dict[str, Any]) -> _Headers:
    try:
        return msgspec.convert(headers, _Headers)
    except msgspec.ValidationError:
        pass
    try:
        # Numbers as text, as some other languages write them.
        return msgspec.convert(headers, _Headers, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidTaskError(f"{_label(headers)}: a header is missing or malformed: {error}") from error


def _parts(body: Any, found: _Headers) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    if isinstance(body, (list, tuple)) and 2 <= len(body) <= 3:
        args, kwargs = body[0], body[1]
        embed = body[2] if len(body) == 3 else None
        if args is None:
            args = ()
        if kwargs is None:
            kwargs = {}
        if embed is None:
            embed = NOTHING_EMBEDDED
        if isinstance(args, (list, tuple)) and isinstance(kwargs, dict) and isinstance(embed, dict):
            return args, kwargs, embed
    raise InvalidTaskError(
        f"{found.task}[{found.id}]: the body must be [args, kwargs, embed] (a list, an object, an object), but it is {saferepr(body, 100)}."
    )


def _label(headers: dict[str, Any]) -> str:
    return f"{headers.get('task')}[{headers.get('id')}]" if "task" in headers else "A message without task headers"
