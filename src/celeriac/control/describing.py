"""Jobs and queues in the shapes in which replies show them."""

from __future__ import annotations

from typing import Any

from celeriac.lib.saferepr import saferepr
from celeriac.model.envelope import Delivery
from celeriac.model.errors import DecodeError, InvalidTaskError
from celeriac.model.topology import Queue
from celeriac.wire.task import decode_task

_LARGE = 64 * 1024
_PLAIN = frozenset({"application/json", "application/x-msgpack"})
"""Content types whose decoding runs nobody's code."""


def request_info(
    delivery: Delivery, hostname: str, *, acknowledged: bool = False, started: float | None = None, pid: int | None = None
) -> dict[str, Any]:
    """Describe a call; ``started`` is epoch seconds."""
    headers = delivery.envelope.headers
    args, kwargs = arguments_of(delivery)
    return {
        "id": headers.get("id"),
        "name": headers.get("task"),
        "args": args,
        "kwargs": kwargs,
        "type": headers.get("task"),
        "hostname": hostname,
        "time_start": started,
        "acknowledged": acknowledged,
        "delivery_info": {
            "exchange": delivery.exchange,
            "routing_key": delivery.routing_key or delivery.queue,
            "priority": delivery.priority,
            "redelivered": delivery.redelivered,
        },
        "worker_pid": pid,
    }


def arguments_of(delivery: Delivery) -> tuple[Any, Any]:
    """Return a call's arguments; their text, as the caller wrote it, where they are large or would run code to be read."""
    envelope = delivery.envelope
    if len(envelope.body) <= _LARGE and envelope.content_type in _PLAIN:
        try:
            message = decode_task(envelope, _PLAIN)
            return message.args, message.kwargs
        except (InvalidTaskError, DecodeError):
            pass
    return envelope.headers.get("argsrepr"), envelope.headers.get("kwargsrepr")


def queue_info(queue: Queue) -> dict[str, Any]:
    """Describe a queue."""
    exchange = queue.exchange
    return {
        "name": queue.name,
        "exchange": {
            "name": exchange.name,
            "type": exchange.type,
            "arguments": exchange.arguments or None,
            "durable": exchange.durable,
            "passive": False,
            "auto_delete": exchange.auto_delete,
            "delivery_mode": exchange.delivery_mode,
            "no_declare": False,
        },
        "routing_key": queue.routing_key,
        "queue_arguments": queue.queue_arguments or None,
        "binding_arguments": None,
        "consumer_arguments": queue.consumer_arguments or None,
        "durable": queue.durable,
        "exclusive": queue.exclusive,
        "auto_delete": queue.auto_delete,
        "no_ack": queue.no_ack,
        "alias": queue.alias,
        "bindings": [[binding.exchange.name, binding.routing_key] for binding in queue.bindings],
        "no_declare": None,
        "expires": queue.expires,
        "message_ttl": queue.message_ttl,
        "max_length": queue.max_length,
        "max_length_bytes": None,
        "max_priority": queue.max_priority,
    }


def task_line(task: Any, items: list[str]) -> str:
    """Name a task, with those of its attributes that are set."""
    found = [f"{item}={value}" for item in items if (value := getattr(task, item, None)) is not None]
    return f"{task.name} [{' '.join(found)}]" if found else str(task.name)


def plain(value: Any) -> Any:
    """Return a value in words that JSON knows."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else saferepr(value)
