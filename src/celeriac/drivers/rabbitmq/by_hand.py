"""Exchanges and bindings that people make and remove by hand (``celeriac amqp``)."""

from __future__ import annotations

from typing import Any

from celeriac.drivers.rabbitmq.errors import NOT_FOUND, ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.topology import Admin
from celeriac.model.errors import QueueNotFound
from celeriac.model.topology import Exchange


def _ask(admin: Admin, name: str, *values: Any) -> None:
    try:
        admin.call(name, *values)
    except ChannelClosed as error:
        if error.code == NOT_FOUND:
            raise QueueNotFound(f"RabbitMQ at {error.where}: {error.text}") from error
        raise of_closed(error) from error


def declare_exchange(admin: Admin, exchange: Exchange, *, passive: bool) -> None:
    """Make an exchange, or see that there is one."""
    rest = (exchange.durable, exchange.auto_delete, False, False, exchange.arguments)
    _ask(admin, "exchange.declare", 0, exchange.name, exchange.type, passive, *rest)


def delete_exchange(admin: Admin, name: str, *, if_unused: bool) -> None:
    """Remove an exchange."""
    _ask(admin, "exchange.delete", 0, name, if_unused, False)


def bind(admin: Admin, queue: str, exchange: str, routing_key: str) -> None:
    """Let an exchange hand messages to a queue."""
    _ask(admin, "queue.bind", 0, queue, exchange, routing_key, False, {})
