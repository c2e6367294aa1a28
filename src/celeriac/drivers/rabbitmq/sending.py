"""Publishing messages wherever they are to go: now or later, by queue or exchange, with what is missing on the server made first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from celeriac.drivers.rabbitmq import native
from celeriac.drivers.rabbitmq.address import Address
from celeriac.drivers.rabbitmq.consuming import DUE
from celeriac.drivers.rabbitmq.errors import NOT_FOUND, ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.publishing import PublishingChannel
from celeriac.drivers.rabbitmq.session import Session
from celeriac.drivers.rabbitmq.topology import HIGHEST_LEVEL, Admin, Definitions
from celeriac.lib.clock import Clock
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import QueueNotFound
from celeriac.model.topology import Exchange


class Sender:
    """What is bound to one publishing connection."""

    def __init__(self, link: Link, definitions: Definitions) -> None:
        self.channel = PublishingChannel(link, confirm=link.address.confirm)
        self.admin = Admin(link, definitions)
        self.routes: set[tuple[str, str]] = set()
        """Named exchanges and routing keys that have led to a queue."""
        self.exchanges: set[str] = set()


class Sending:
    """Publishes by a connection of its own; for any thread."""

    def __init__(self, open_link: Callable[[], Link], address: Address, definitions: Definitions, clock: Clock) -> None:
        self._definitions = definitions
        self._address = address
        self._clock = clock
        self._session = Session(open_link, lambda link: Sender(link, definitions))

    def get(self) -> Sender:
        """Return the connection, which is opened when there is none."""
        return self._session.get()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Send messages; those come first of which it is not known that any queue will have them, so that nothing is sent when one is refused."""
        if not outgoing:
            return
        sender = self._session.get()
        timed = [message if message.due is None else self._timed(sender, message, message.due) for message in outgoing]
        doubtful = [m for m in timed if m.exchange and (m.exchange, m.routing_key) not in sender.routes]
        if doubtful:
            self._probe(sender, doubtful)
            timed = [m for m in timed if m not in doubtful]
        if timed:
            self._send(sender, timed)

    def prepared(self, outgoing: Sequence[Outgoing]) -> list[Outgoing] | None:
        """Return messages as they are sent by whoever sends them himself; None when it is not sure that queues will have them."""
        sender = self._session.get()
        timed = [message if message.due is None else self._timed(sender, message, message.due) for message in outgoing]
        if any(message.exchange and (message.exchange, message.routing_key) not in sender.routes for message in timed):
            return None
        for message in timed:
            if not message.exchange:
                sender.admin.ensure(message.routing_key)
        return timed

    def _probe(self, sender: Sender, messages: Sequence[Outgoing]) -> None:
        for name in {message.exchange for message in messages} - sender.exchanges:
            self._find_exchange(sender, name)
        self._send(sender, messages)
        sender.routes.update((message.exchange, message.routing_key) for message in messages)

    def _find_exchange(self, sender: Sender, name: str) -> None:
        known = self._definitions.exchange(name)
        try:
            if known is not None:
                sender.admin.exchange(known)
            else:
                sender.admin.call("exchange.declare", 0, name, "direct", True, False, False, False, False, {})
        except ChannelClosed as error:
            if error.code != NOT_FOUND:
                raise of_closed(error) from error
            where = self._address.where
            raise QueueNotFound(f"There is no exchange {name!r} on RabbitMQ at {where}, so the message would be lost: declare its queue") from error
        sender.exchanges.add(name)

    def _send(self, sender: Sender, messages: Sequence[Outgoing]) -> None:
        returned = sender.channel.publish(messages)
        if returned:
            self._make_room(sender, returned)
            returned = sender.channel.publish(returned)
        if returned:
            lost = returned[0]
            sender.routes.discard((lost.exchange, lost.routing_key))
            raise QueueNotFound(
                f"No queue is bound to exchange {lost.exchange!r} for routing key {lost.routing_key!r}, so the message would be lost: "
                "declare the queue (task_queues), or send to a queue by its name"
            )

    def _make_room(self, sender: Sender, returned: Sequence[Outgoing]) -> None:
        """No queue took these: declare those that are known to want them."""
        for exchange, key in {(message.exchange, message.routing_key) for message in returned}:
            if exchange:
                sender.admin.declare(self._definitions.bound_to(exchange))
            else:
                sender.admin.existing.discard(key)
                sender.admin.ensure(key)

    def _timed(self, sender: Sender, message: Outgoing, due: float) -> Outgoing:
        """Return a message as it is sent when it is not due yet: to a queue in which it waits, with the time in a header."""
        left = due - self._clock.now()
        if left <= 0:
            return message
        envelope = message.envelope.replace(headers={**message.envelope.headers, DUE: due})
        message = message.replace(envelope=envelope)
        if left < 1:
            return message
        level = min(HIGHEST_LEVEL, int(left).bit_length() - 1)
        if not message.exchange:
            return message.replace(routing_key=sender.admin.delayed(message.routing_key, level))
        known = self._definitions.exchange(message.exchange)
        if self._definitions.quorum and known is not None and known.type == "topic":
            missing = [queue for queue in self._definitions.bound_to(message.exchange) if queue.name not in sender.admin.existing]
            if missing:
                sender.admin.declare(missing)
            return native.delayed(message, int(left), self._address.prefix)
        self._find_exchange(sender, message.exchange)
        return message.replace(exchange=sender.admin.delayed_exchange(message.exchange, level))

    def broadcast(self, outgoing: Sequence[Outgoing]) -> bool | None:
        """Send to whoever listens; return whether anybody does, None where the server is not asked to confirm."""
        if not outgoing:
            return False
        sender = self._session.get()
        for name in {message.exchange for message in outgoing}:
            sender.admin.exchange(news_exchange(name))
        returned = sender.channel.publish(outgoing, mandatory=self._address.confirm)
        return len(returned) < len(outgoing) if self._address.confirm else None


def news_exchange(name: str) -> Exchange:
    """Return what kind of exchange news goes by: Celery's are known by their names."""
    if name.endswith(".pidbox"):
        return Exchange(name, "direct" if name.startswith("reply.") else "fanout", durable=False)
    return Exchange(name, "topic")
