"""Declaring: queues, exchanges and bindings on the server, and the queues in which messages wait for their time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from celeriac.drivers.rabbitmq import native
from celeriac.drivers.rabbitmq.channel import Channel
from celeriac.drivers.rabbitmq.errors import NOT_FOUND, ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.model.errors import ImproperlyConfigured
from celeriac.model.topology import Exchange, Queue

DEAD = ".dead"
"""Behind the name of a queue: the queue of its dead letters."""
HIGHEST_LEVEL = 20
"""Messages wait in queues of 1, 2, 4 ... 2**20 seconds (12 days) each; longer delays pass the last one again."""

Definition = Callable[[str], Queue | None]


class Definitions:
    """What queues should be like: as they were declared here, as the application says, or plain."""

    def __init__(self, ask: Definition | None = None, known: Callable[[], Iterable[str]] | None = None) -> None:
        self._ask = ask
        self._known = known
        self.queues: dict[str, Queue] = {}
        self.exchanges: dict[str, Exchange] = {}
        self.quorum = False

    def add(self, queues: Iterable[Queue]) -> None:
        """Learn queues; raises ImproperlyConfigured for one of a type that cannot serve."""
        for queue in queues:
            kind = queue.queue_arguments.get("x-queue-type", "classic")
            if kind not in ("classic", "quorum"):
                raise ImproperlyConfigured(
                    f"Queue {queue.name!r} has x-queue-type {kind!r}: tasks need queues from which messages can be taken one by one, "
                    "that is classic or quorum ones; a stream keeps what was read"
                )
            self.quorum = self.quorum or kind == "quorum"
            self.queues[queue.name] = queue
            for binding in queue.all_bindings:
                self.exchanges[binding.exchange.name] = binding.exchange

    def of(self, name: str) -> Queue:
        """Return what a queue of this name should be like."""
        found = self.queues.get(name)
        if found is None and name.endswith(DEAD):
            kind = self.of(name.removesuffix(DEAD)).queue_arguments.get("x-queue-type")
            return Queue(name, queue_arguments={} if kind is None else {"x-queue-type": kind})
        if found is None and self._ask is not None:
            found = self._ask(name)
        return Queue(name, Exchange(name), name) if found is None else found

    def exchange(self, name: str) -> Exchange | None:
        """Return what an exchange should be like: as it was declared here, or as the application's queues say that lead to it."""
        if name not in self.exchanges and self._known is not None and self._ask is not None:
            found = [self._ask(queue) for queue in self._known() if queue not in self.queues]
            self.add(q for q in found if q and not q.broadcast and any(b.exchange.name == name for b in q.all_bindings))
        return self.exchanges.get(name)

    def bound_to(self, exchange: str) -> list[Queue]:
        """Return the known queues that are bound to an exchange."""
        self.exchange(exchange)
        return [queue for queue in self.queues.values() if any(b.exchange.name == exchange for b in queue.all_bindings)]


class Admin:
    """Declares on a connection, on a channel of its own: the server closes it with every refusal."""

    def __init__(self, link: Link, definitions: Definitions) -> None:
        self.existing: set[str] = set()
        """Queues that were there when last looked."""
        self._link = link
        self._address = link.address
        self._definitions = definitions
        self._lock = threading.RLock()
        self._channel: Channel | None = None
        self._native = False
        self._exchanges: set[str] = set()

    def call(self, name: str, *values: Any) -> tuple[Any, ...]:
        """Ask the server; raises ChannelClosed when it refuses."""
        with self._lock:
            if self._channel is None or self._channel.closed is not None:
                self._channel = self._link.channel()
            return self._channel.call(name, *values).values

    def declare(self, queues: Iterable[Queue]) -> None:
        """Declare queues, their exchanges and bindings; raises ImproperlyConfigured when the server has others of these names."""
        try:
            for queue in queues:
                self._declare(queue)
                self.existing.add(queue.name)
        except ChannelClosed as error:
            raise of_closed(error) from error

    def _declare(self, queue: Queue) -> None:
        with self._lock:
            self.call("queue.declare", 0, queue.name, False, queue.durable, queue.exclusive, queue.auto_delete, False, arguments_of(queue))
            for binding in queue.all_bindings:
                self.exchange(binding.exchange)
                self.call("queue.bind", 0, queue.name, binding.exchange.name, binding.routing_key, False, binding.arguments)
            if self._definitions.quorum:
                self._declare_native(queue)

    def exchange(self, exchange: Exchange) -> None:
        """Declare an exchange, once a connection."""
        if exchange.name in self._exchanges or not exchange.name:
            return
        known = (exchange.durable, exchange.auto_delete, False, False, exchange.arguments)
        self.call("exchange.declare", 0, exchange.name, exchange.type, False, *known)
        self._exchanges.add(exchange.name)

    def _declare_native(self, queue: Queue) -> None:
        """Let Celery's delayed messages reach this queue by its exchange, where that goes by patterns."""
        if not self._native:
            native.declare(self.call, self._address.delayed_type, self._address.prefix)
            self._native = True
        for binding in queue.all_bindings:
            if binding.exchange.type == "topic":
                native.bind(self.call, queue.name, binding, self._address.prefix)

    def count(self, queue: str) -> int | None:
        """Return how many messages are ready in a queue, None when there is no such queue."""
        found = self.measure(queue)
        return None if found is None else found[0]

    def measure(self, queue: str) -> tuple[int, int] | None:
        """Return how many messages are ready in a queue and how many consumers it has, None when there is no such queue."""
        try:
            _, ready, consumers = self.call("queue.declare", 0, queue, True, False, False, False, False, {})
            return int(ready), int(consumers)
        except ChannelClosed as error:
            if error.code != NOT_FOUND:
                raise of_closed(error) from error
            self.existing.discard(queue)
            return None

    def purge(self, queue: str) -> int:
        """Throw away what is ready in a queue; return how many."""
        return 0 if self.count(queue) is None else int(self.call("queue.purge", 0, queue, False)[0])

    def delete(self, queue: str) -> int:
        """Remove a queue with everything in it; return how many messages were ready."""
        try:
            self.existing.discard(queue)
            return int(self.call("queue.delete", 0, queue, False, False, False)[0])
        except ChannelClosed as error:
            raise of_closed(error) from error

    def ensure(self, name: str) -> None:
        """See that a queue exists; one that does is taken as it is."""
        if name in self.existing:
            return
        if self.count(name) is None:
            self.declare([self._definitions.of(name)])
        self.existing.add(name)

    def delayed(self, queue: str, level: int) -> str:
        """Return the name of the queue in which messages for another wait for ``2**level`` seconds; it is made when it is missing."""
        name = holding(queue, level)
        if name not in self.existing:
            self.ensure(queue)
            kind = self._definitions.of(queue).queue_arguments.get("x-queue-type")
            arguments: dict[str, Any] = {} if kind is None else {"x-queue-type": kind}
            if kind == "quorum":
                arguments |= {"x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once"}
            back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue, "x-message-ttl": 1000 << level}
            self.declare([Queue(name, queue_arguments={**arguments, **back})])
        return name

    def delayed_exchange(self, exchange: str, level: int) -> str:
        """The same for messages on their way to a named exchange: return the exchange that leads to such a queue."""
        name = holding(exchange, level)
        if name not in self.existing:
            back = {"x-dead-letter-exchange": exchange, "x-message-ttl": 1000 << level}
            self.declare([Queue(name, Exchange(name, "fanout"), queue_arguments=back)])
        return name


def holding(name: str, level: int) -> str:
    """Return the name of the queue in which messages for a queue or exchange wait for ``2**level`` seconds."""
    return f"{name}.delayed.{level}"


def arguments_of(queue: Queue) -> dict[str, Any]:
    """Return a queue's arguments, those that have a field of their own among them (times in milliseconds)."""
    found: dict[str, Any] = dict(queue.queue_arguments)
    named: Mapping[str, Any] = {
        "x-max-priority": queue.max_priority, "x-max-length": queue.max_length,
        "x-expires": None if queue.expires is None else int(queue.expires * 1000),
        "x-message-ttl": None if queue.message_ttl is None else int(queue.message_ttl * 1000),
    }  # fmt: skip
    found.update({name: value for name, value in named.items() if value is not None})
    return found
