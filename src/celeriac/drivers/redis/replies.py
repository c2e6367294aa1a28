"""Replies to remote control, Celery's way: a list for each client, which the bindings of a direct exchange lead to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence

from celeriac.contracts.broker import Listener
from celeriac.drivers.redis import messages
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.connection import Command, Link
from celeriac.drivers.redis.errors import ProtocolError, ServerError
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import DecodeError, OperationalError
from celeriac.wire import virtual

EXPIRES = 60
"""Seconds after which replies go that nobody fetched: their client is gone."""
_MOST = 1_000
_AGAIN = 0.2


def is_reply(exchange: str) -> bool:
    """Whether an exchange is one of replies to remote control."""
    return exchange.startswith("reply.") and exchange.endswith(".pidbox")


def reply(server: Server, keys: BrokerKeys, bindings: Bindings, outgoing: Sequence[Outgoing]) -> bool:
    """Hand replies to the clients that wait for them; return whether anybody does."""
    commands: list[Command] = []
    for message in outgoing:
        for name in bindings.queues_of(message.exchange, message.routing_key):
            queue = keys.queue(name).lists[0]
            commands += [("LPUSH", queue, messages.pack(message)), ("EXPIRE", queue, EXPIRES)]
    if commands:
        server.run(commands)
    return bool(commands)


class ReplyListener(Listener):
    """One client's list: it is bound as long as the client listens."""

    def __init__(self, server: Server, keys: BrokerKeys, exchange: str, routing_keys: Sequence[str]) -> None:
        self._server = server
        name = f"{routing_keys[0]}.{exchange}"
        self._queue = keys.queue(name).lists[0]
        self._bindings = keys.bindings(exchange)
        self._members = [keys.member(routing_key, "", name) for routing_key in routing_keys]
        self._link: Link | None = None
        self._asked = False
        self._closed = threading.Event()
        server.one("SADD", self._bindings, *self._members)

    def receive(self, timeout: float) -> Sequence[tuple[str, Envelope]]:
        deadline = time.monotonic() + timeout
        while not self._closed.is_set():
            try:
                found = self._wait(deadline)
            except (OSError, ValueError, ProtocolError, OperationalError):
                self._cut()
                found = []
                self._closed.wait(min(_AGAIN, max(0.0, deadline - time.monotonic())))
            if found or time.monotonic() >= deadline:
                return found
        return []

    def _wait(self, deadline: float) -> list[tuple[str, Envelope]]:
        link = self._link
        if link is None:
            link = self._link = self._server.link(self._queue)
            self._asked = False
        if not self._asked:
            # Without an end: what is asked for and not waited for is there at the next call.
            link.send([("BRPOP", self._queue, 0)])
            self._asked = True
        if not link.readable(max(0.0, deadline - time.monotonic())):
            return []
        answer = link.receive()
        self._asked = False
        if answer is None or isinstance(answer, ServerError):
            raise OSError(str(answer))
        texts = [answer[1], *(self._server.one("RPOP", self._queue, _MOST) or ())]
        return [each for text in texts if (each := _read(text)) is not None]

    def close(self) -> None:
        self._closed.set()
        self._cut()
        with contextlib.suppress(OperationalError):
            self._server.run([("SREM", self._bindings, *self._members), ("DEL", self._queue)])

    def _cut(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _read(text: bytes) -> tuple[str, Envelope] | None:
    try:
        found = virtual.unpack(text)
    except DecodeError:
        return None
    return found.routing_key, found.envelope
