"""Where messages go: routed, packed, grouped by list."""

from __future__ import annotations

import time
from collections.abc import Sequence

from celeriac.drivers.redis import messages
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.custody import Custody
from celeriac.drivers.redis.flight import Flight
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.lib.ids import uuid
from celeriac.model.envelope import Outgoing

PORTION = 2000
"""Messages that are sent in one call at most: others have their turn in between."""
ANYBODY_TTL = 1.0
"""Seconds for which a client relies on what it saw: a worker of ours, or none."""


class Outbound:
    """Sends messages for one broker.

    A message that is not due yet goes to the delayed set when a worker of ours is there to promote it. Otherwise, in a fleet of Celery's workers, it
    goes to the list with its eta as Celery's clients send it, and if one of ours takes it nevertheless, that puts it into the delayed set.
    """

    def __init__(self, server: Server, keys: BrokerKeys, bindings: Bindings, custody: Custody, flight: Flight, *, worker: bool) -> None:
        self._server = server
        self._keys = keys
        self._bindings = bindings
        self._custody = custody
        self._flight = flight
        self._worker = worker
        self._promoters: dict[str, tuple[float, bool]] = {}

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Send messages; nothing is sent when one of them cannot be routed."""
        for part in self.portions(self.routed(outgoing)):
            writing = Writing(self._server)
            self.add_to(writing, part)
            writing.run()

    def routed(self, outgoing: Sequence[Outgoing]) -> list[tuple[str, Outgoing]]:
        """Return which queue gets which message; raises QueueNotFound."""
        found: list[tuple[str, Outgoing]] = []
        for message in outgoing:
            message = messages.clamped(message, 9)
            if message.exchange:
                queues = self._bindings.required(message.exchange, message.routing_key, message.envelope.headers)
                found += [(queue, message) for queue in queues]
            else:
                found.append((message.routing_key, message))
        return found

    def portions(self, routed: Sequence[tuple[str, Outgoing]]) -> list[Sequence[tuple[str, Outgoing]]]:
        """Divide messages into calls."""
        return [routed[at : at + PORTION] for at in range(0, len(routed), PORTION)]

    def add_to(self, writing: Writing, routed: Sequence[tuple[str, Outgoing]]) -> None:
        """Add messages to what is going to be written."""
        lists: dict[bytes, list[bytes]] = {}
        now = 0.0
        for name, message in routed:
            queue = self._keys.queue(name)
            step = self._keys.step(message.priority)
            if message.due is None:
                text = messages.pack(message)
            else:
                now = now or time.time()
                if message.due > now and self._promoted(name):
                    member = messages.delayed_member(messages.pack(message), uuid(), step)
                    writing.at(queue.owners).delay(queue.delayed, message.due, member)
                    continue
                text = messages.pack(message, **({messages.DUE: message.due} if message.due > now else {}))
            lists.setdefault(queue.lists[step], []).append(text)
        for key, texts in lists.items():
            writing.at(key).push(key, texts)

    def _promoted(self, queue: str) -> bool:
        """Say whether a worker of ours takes from a queue: it promotes what is delayed on the dot, others look only now and then."""
        fetched = self._flight.fetched
        if self._worker and (queue in fetched or not fetched):
            self._flight.announce([queue])
            return True
        at, found = self._promoters.get(queue, (-1e9, False))
        if time.monotonic() - at > ANYBODY_TTL:
            found = self._custody.anybody(queue)
            self._promoters[queue] = (time.monotonic(), found)
        return found
