"""Where messages wait and how they get there: exchanges, queues, bindings (AMQP 0-9-1, section 2.1)."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value


class Exchange(Value, frozen=True):
    """Something that routes messages to queues; ``type`` is direct, topic, fanout or headers."""

    name: str = ""
    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    arguments: dict[str, Any] = {}
    delivery_mode: int | None = None


class Binding(Value, frozen=True):
    """A rule: what an exchange hands to the queue that holds this binding."""

    exchange: Exchange
    routing_key: str = ""
    arguments: dict[str, Any] = {}


class Queue(Value, frozen=True):
    """Where messages wait for a worker; bound to its own exchange, and to more by ``bindings``."""

    name: str
    exchange: Exchange = Exchange()
    routing_key: str = ""
    bindings: tuple[Binding, ...] = ()
    durable: bool = True
    exclusive: bool = False
    auto_delete: bool = False
    queue_arguments: dict[str, Any] = {}
    consumer_arguments: dict[str, Any] = {}
    max_priority: int | None = None
    expires: float | None = None
    message_ttl: float | None = None
    max_length: int | None = None
    no_ack: bool = False
    alias: str | None = None

    @property
    def all_bindings(self) -> tuple[Binding, ...]:
        """The binding to the queue's own exchange (if it has a named one), then the others."""
        if not self.exchange.name:
            return self.bindings
        return (Binding(self.exchange, self.routing_key), *self.bindings)
