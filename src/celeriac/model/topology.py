"""Where messages wait and how they get there: exchanges, queues, bindings (AMQP 0-9-1, section 2.1)."""

from __future__ import annotations

from typing import Any

import msgspec

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
    binding_arguments: dict[str, Any] = {}
    """Of the binding to the queue's own exchange: what headers it takes, where that is of type headers."""

    @property
    def all_bindings(self) -> tuple[Binding, ...]:
        """The binding to the queue's own exchange (if it has a named one), then the others."""
        if not self.exchange.name:
            return self.bindings
        return (Binding(self.exchange, self.routing_key, self.binding_arguments), *self.bindings)

    @property
    def broadcast(self) -> bool:
        """Whether this stands for one queue of each worker, not for one that workers share: so kombu's ``Broadcast`` looks, and ours."""
        return self.exchange.type == "fanout" and self.auto_delete and bool(self.alias)

    def of_worker(self, hostname: str) -> "Queue":
        """Return the queue of one worker that this broadcast stands for; its name is the same after a restart."""
        return Queue(
            f"{self.alias}.{hostname}", self.exchange, self.routing_key, self.bindings, queue_arguments=self.queue_arguments,
            consumer_arguments=self.consumer_arguments, max_priority=self.max_priority, expires=self.expires or LEFT_BEHIND,
            message_ttl=self.message_ttl, max_length=self.max_length, binding_arguments=self.binding_arguments,
        )  # fmt: skip


LEFT_BEHIND = 3600.0
"""Seconds for which RabbitMQ keeps a worker's queue of a broadcast after the worker was killed; one that ends in good order removes it."""


class Broadcast(Queue, frozen=True):
    """A queue of which every worker that consumes it has its own, so that each runs every task that is sent to it: ``Broadcast("reload")``."""

    auto_delete: bool = True

    def __post_init__(self) -> None:
        if self.exchange == Exchange():
            msgspec.structs.force_setattr(self, "exchange", Exchange(self.name, "fanout"))
        msgspec.structs.force_setattr(self, "alias", self.alias or self.name)


def worker_direct(hostname: str) -> Queue:
    """Return the queue of one worker (setting ``worker_direct``), by its node name: ``task.apply_async(queue=worker_direct("celery@host"))``."""
    return Queue(f"{hostname}.dq2", Exchange("C.dq2"), hostname)
