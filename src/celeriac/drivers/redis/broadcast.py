"""Broadcasts: Celery's channels. An exchange without routing keys (remote control) is one channel, one with them (events) has a channel for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celeriac.contracts.broker import Listener
from celeriac.drivers.redis import messages
from celeriac.drivers.redis.connection import Command
from celeriac.drivers.redis.hub import Answered, Hub, Subscriber, hub_of
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import DecodeError, OperationalError
from celeriac.wire import virtual
from celeriac.wire.bindings import matches

CONFIRM = 5.0
_MOST = 10_000
"""Broadcasts kept for a listener that does not receive; then the oldest are dropped."""


def broadcast(server: Server, keys: BrokerKeys, outgoing: Sequence[Outgoing]) -> bool | None:
    """Publish messages; return whether anybody listens, None when it is not known."""
    commands: list[Command] = []
    for message in outgoing:
        # Celery's workers listen for remote control on the exchange's own channel, whatever the routing key.
        routing_key = "" if message.exchange.endswith(".pidbox") else message.routing_key
        commands.append(("PUBLISH", keys.channel(message.exchange, routing_key), messages.pack(message)))
    heard = bool(commands) and any(server.run(commands))
    # In a cluster each server counts only those who listen to itself.
    return None if server.address.cluster and not heard else heard


class _Heard(Subscriber):
    """What one listener has heard."""

    def __init__(self, hub: Hub, exchange: bytes, patterns: Sequence[str]) -> None:
        super().__init__(hub)
        self._exchange = exchange
        self._patterns = tuple(patterns)
        self.news: list[tuple[str, Envelope]] = []
        self.begun = False
        """Whether what comes now was sent after the subscription: others may have listened to the same channel before."""

    def question(self) -> tuple[Command, Answered]:
        """Return what the server answers when the subscription is in force."""
        return ("PING",), self._begin

    def _begin(self, _answer: Any) -> None:
        self.begun = True
        self.changed.notify()

    def deliver(self, channel: bytes, text: bytes) -> None:
        if not self.begun:
            return
        try:
            found = virtual.unpack(text)
        except DecodeError:
            return
        routing_key = channel[len(self._exchange) + 1 :].decode() or found.routing_key
        if channel == self._exchange or any(matches(pattern, routing_key) for pattern in self._patterns):
            self.news.append((routing_key, found.envelope))
            del self.news[:-_MOST]

    def satisfied(self) -> bool:
        return bool(self.news)

    def again(self) -> Sequence[tuple[Command, Answered]]:
        return [self.question()]


class RedisListener(Listener):
    """One subscription."""

    def __init__(self, server: Server, keys: BrokerKeys, exchange: str, patterns: Sequence[str]) -> None:
        self._hub = hub_of(server)
        channel = keys.channel(exchange).encode()
        glob = _literal(channel) + b"/*"
        self._heard = _Heard(self._hub, channel, patterns)
        self._hub.add(self._heard, [channel], patterns=[glob], then=self._heard.question())
        # Whatever is sent after this returns is heard.
        self._hub.wait(self._heard, CONFIRM, lambda: self._heard.begun)
        if not self._heard.begun:
            self.close()
            raise OperationalError(f"Redis at {server.where} does not confirm a subscription")

    def receive(self, timeout: float) -> Sequence[tuple[str, Envelope]]:
        self._hub.wait(self._heard, timeout)
        with self._hub.lock:
            found, self._heard.news = self._heard.news, []
        return [] if self._heard.closed else found

    def close(self) -> None:
        self._hub.end(self._heard)


def _literal(name: bytes) -> bytes:
    """Return a pattern that matches just this."""
    for special in (b"\\", b"*", b"?", b"[", b"]"):
        name = name.replace(special, b"\\" + special)
    return name
