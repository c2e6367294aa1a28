"""Exchanges: the bindings are kept where Celery's clients read and write them, what those do not hold in a hash of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from celeriac.drivers.redis.connection import Command
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.errors import QueueNotFound
from celeriac.model.topology import Binding, Exchange, Queue
from celeriac.wire.bindings import queues_for


class Bindings:
    """Asks the server each time: a queue that another client declares counts from that moment."""

    def __init__(self, server: Server, keys: BrokerKeys) -> None:
        self._server = server
        self._keys = keys

    def declare(self, queues: Iterable[Queue]) -> None:
        """Write the bindings of queues; idempotent."""
        commands: list[Command] = []
        for queue in queues:
            for binding in queue.all_bindings:
                commands += self._commands(queue.name, binding)
        if commands:
            self._server.run(commands)

    def _commands(self, queue: str, binding: Binding) -> list[Command]:
        exchange = binding.exchange
        pattern = topic_pattern(binding.routing_key) if exchange.type == "topic" else ""
        member = self._keys.member(binding.routing_key, pattern, queue)
        commands: list[Command] = [
            ("SADD", self._keys.bindings(exchange.name), member),
            ("SADD", self._keys.lasting_bindings(exchange.name), member),
        ]
        if exchange.type not in ("direct", "topic"):
            detail = json.dumps({"type": exchange.type, "arguments": binding.arguments})
            commands.append(("HSET", self._keys.binding_details(exchange.name), member, detail))
        return commands

    def remove(self, queue: Queue) -> None:
        """Take the bindings of a queue away."""
        commands: list[Command] = []
        for binding in queue.all_bindings:
            exchange = binding.exchange
            pattern = topic_pattern(binding.routing_key) if exchange.type == "topic" else ""
            member = self._keys.member(binding.routing_key, pattern, queue.name)
            sets = (self._keys.bindings(exchange.name), self._keys.lasting_bindings(exchange.name))
            commands += [*(("SREM", key, member) for key in sets), ("HDEL", self._keys.binding_details(exchange.name), member)]
        if commands:
            self._server.run(commands)

    def queues_of(self, exchange: str, routing_key: str, headers: dict[str, Any] | None = None) -> list[str]:
        """Return the queues that an exchange hands a message to; without an exchange the routing key names the queue."""
        if not exchange:
            return [routing_key]
        members, details = self._server.run([("SMEMBERS", self._keys.bindings(exchange)), ("HGETALL", self._keys.binding_details(exchange))])
        known = dict(zip(details[::2], details[1::2]))
        return queues_for([self._read(exchange, member, known.get(member)) for member in sorted(members)], routing_key, headers)

    def _read(self, exchange: str, member: bytes, detail: bytes | None) -> tuple[str, Binding]:
        routing_key, pattern, queue = self._keys.parts_of(member.decode())
        found = json.loads(detail) if detail else {}
        kind = found.get("type") or ("topic" if pattern else "direct")
        return queue, Binding(Exchange(exchange, kind), routing_key, found.get("arguments") or {})

    def required(self, exchange: str, routing_key: str, headers: dict[str, Any]) -> list[str]:
        """Return the queues of a message; raises QueueNotFound when there is none, since the message would be lost."""
        found = self.queues_of(exchange, routing_key, headers)
        if not found:
            raise QueueNotFound(
                f"No queue is bound to exchange {exchange!r} for routing key {routing_key!r}, so the message would be lost: "
                "declare the queue (task_queues), or send to a queue by its name"
            )
        return found


def topic_pattern(routing_key: str) -> str:
    """Return the regular expression that stands beside a topic binding for Celery's clients: dots part words, ``*`` is one, ``#`` are any."""
    words = ["[^\\.]+" if word == "*" else ".*?" if word == "#" else re.escape(word) for word in routing_key.split(".")]
    return f"^{re.escape('.').join(words)}$"
