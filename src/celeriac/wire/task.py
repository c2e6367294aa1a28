"""Task messages of either protocol version."""

from __future__ import annotations

from typing import Any

from celeriac.model.envelope import Envelope
from celeriac.model.errors import ImproperlyConfigured
from celeriac.model.task_message import TaskMessage
from celeriac.wire import task_v1, task_v2, times

TaskHead = task_v2.TaskHead
SENT = task_v2.SENT
format_time = times.format_time
parse_time = times.parse_time
JSON_ONLY = frozenset({"application/json"})


def encode_task(
    message: TaskMessage,
    *,
    protocol: int = 2,
    serializer: str = "json",
    compression: str | None = None,
    properties: dict[str, Any] | None = None,
) -> Envelope:
    """Write a message; ``properties`` win over those that the message makes. Raises EncodeError naming the argument that cannot be written."""
    if protocol == 2:
        return task_v2.encode(message, serializer=serializer, compress=compression, properties=properties)
    if protocol == 1:
        return task_v1.encode(message, serializer=serializer, compress=compression, properties=properties)
    raise ImproperlyConfigured(f"The setting task_protocol is {protocol!r}; there are the versions 1 and 2.")


def decode_task(envelope: Envelope, accept: frozenset[str] | None) -> TaskMessage:
    """Read a message of either version; ``accept`` holds the content types that may be read.

    Raises InvalidTaskError, DecodeError or ContentDisallowed.
    """
    if "task" in envelope.headers:
        return task_v2.decode(envelope, accept)
    return task_v1.decode(envelope, accept)


def peek(envelope: Envelope, accept: frozenset[str] | None = JSON_ONLY) -> TaskHead:
    """Read the head of a message; only one of version 1 has its body decoded for it, if its content type is in ``accept``.

    Raises InvalidTaskError, and for version 1 DecodeError or ContentDisallowed.
    """
    if "task" in envelope.headers:
        return task_v2.peek(envelope)
    return task_v1.peek(envelope, accept)
