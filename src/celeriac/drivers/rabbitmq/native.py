"""Celery's native delayed delivery: 28 exchanges and queues, one for each binary digit of a delay in seconds.

A message is sent to the exchange of the highest digit with the digits before its routing key; where a digit is 1 it waits in that level's queue
for 2**level seconds, where it is 0 it goes on at once, and below the lowest level it reaches the exchanges of the task queues.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celeriac.model.envelope import Outgoing
from celeriac.model.topology import Binding

LEVELS = 28
LONGEST = 2**LEVELS - 1
"""Seconds."""
DELIVERY = "celery_delayed_delivery"

Call = Callable[..., Any]


def level_name(level: int, prefix: str = "") -> str:
    """Return the name of a level's exchange and queue."""
    return f"{prefix}celery_delayed_{level}"


def declare(call: Call, kind: str, prefix: str = "") -> None:
    """Declare the levels; idempotent."""
    delivery = f"{prefix}{DELIVERY}"
    call("exchange.declare", 0, delivery, "topic", False, True, False, False, False, {})
    for level in range(LEVELS):
        name = level_name(level, prefix)
        below = level_name(level - 1, prefix) if level else delivery
        arguments: dict[str, Any] = {"x-queue-type": kind, "x-overflow": "reject-publish"}
        arguments |= {"x-message-ttl": 1000 << level, "x-dead-letter-exchange": below}
        if kind == "quorum":
            arguments["x-dead-letter-strategy"] = "at-least-once"
        call("exchange.declare", 0, name, "topic", False, True, False, False, False, {})
        call("queue.declare", 0, name, False, True, False, False, False, arguments)
        any_digit = "*." * (LEVELS - 1 - level)
        call("queue.bind", 0, name, name, f"{any_digit}1.#", False, {})
        call("exchange.bind", 0, below, name, f"{any_digit}0.#", False, {})


def bind(call: Call, queue: str, binding: Binding, prefix: str = "") -> None:
    """Let what has waited long enough reach the exchange of a binding, and by it the queue."""
    pattern = f"#.{binding.routing_key}"
    call("exchange.bind", 0, binding.exchange.name, f"{prefix}{DELIVERY}", pattern, False, {})
    call("queue.bind", 0, queue, binding.exchange.name, pattern, False, {})


def delayed(outgoing: Outgoing, seconds: int, prefix: str = "") -> Outgoing:
    """Return a message that waits for this many seconds before it goes to its exchange."""
    digits = f"{min(seconds, LONGEST):0{LEVELS}b}"
    return outgoing.replace(exchange=level_name(LEVELS - 1, prefix), routing_key=f"{'.'.join(digits)}.{outgoing.routing_key}")


def original_key(routing_key: str) -> str:
    """Return the routing key that a message had before it was delayed."""
    words = routing_key.split(".")
    return ".".join(words[LEVELS:]) if len(words) > LEVELS and set(words[:LEVELS]) <= {"0", "1"} else routing_key
