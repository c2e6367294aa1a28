"""Where messages go: routed, packed, grouped by list, and sent once however often it takes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from celeriac.drivers.redis import messages, scripts
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.custody import Custody
from celeriac.drivers.redis.flight import Flight
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import OperationalError

PORTION = 2000
"""Messages that are sent in one call at most: others have their turn in between."""
ANYBODY_TTL = 1.0
"""Seconds for which a client relies on what it saw: a worker of ours, or none."""
LOWEST = 9


@dataclass(slots=True)
class Seal:
    """What is sent under a seal is numbered, and the store remembers the last number. Used by one thread at a time."""

    name: str
    number: int = 0


class _Unanswered(threading.local):
    """What this thread sent last, if it does not know what became of that: the same again is not sent twice."""

    outgoing: Sequence[Outgoing] = ()
    seal: Seal | None = None
    done: int = 0
    """How many portions of it the store is known to have."""


class Outbound:
    """Sends messages for one broker.

    A message that is not due yet goes to the delayed set when a worker of ours is there to promote it. Otherwise, in a fleet of Celery's workers, it
    goes to the list with its eta as Celery's clients send it, and if one of ours takes it nevertheless, that puts it into the delayed set.
    """

    def __init__(
        self, server: Server, keys: BrokerKeys, bindings: Bindings, custody: Custody, flight: Flight, *, worker: bool, remembered: float
    ) -> None:
        self._server = server
        self._keys = keys
        self._bindings = bindings
        self._custody = custody
        self._flight = flight
        self._worker = worker
        self._remembered = int(remembered)
        self._promoters: dict[str, tuple[float, bool]] = {}
        self._seals: list[Seal] = []
        self._unanswered = _Unanswered()

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Send messages; nothing is sent when one of them cannot be routed.

        When this fails the store may have got some of them. The same call again, by the same thread, sends only those that it has not got.
        """
        before = self._unanswered
        if before.seal is not None and list(before.outgoing) == list(outgoing):
            seal, done = before.seal, before.done
        else:
            seal, done = self._new_seal(), 0
            if len(outgoing) == 1 and not outgoing[0].exchange and outgoing[0].due is None:
                self._push(outgoing, seal)
                return
        self._publish(outgoing, seal, done)

    def _new_seal(self) -> Seal:
        self._unanswered.seal = None
        try:
            seal = self._seals.pop()
        except IndexError:
            seal = Seal(os.urandom(6).hex())
        seal.number += 1
        return seal

    def _push(self, outgoing: Sequence[Outgoing], seal: Seal) -> None:
        """The way of nearly every call: one message, to be had at once."""
        message = messages.clamped(outgoing[0], LOWEST)
        queue = self._keys.queue(message.routing_key)
        key = queue.lists[self._keys.step(message.priority)]
        try:
            self._server.call(scripts.PUSH, (key, queue.sent(seal.name)), (messages.pack(message), f"{seal.number}.0", self._remembered))
        except OperationalError:
            self._note(outgoing, seal, 0)
            raise
        self._seals.append(seal)

    def _publish(self, outgoing: Sequence[Outgoing], seal: Seal, done: int) -> None:
        portions = self.portions(self.routed(outgoing))
        try:
            while done < len(portions):
                self._send(portions[done], seal, f"{seal.number}.{done}")
                done += 1
        except OperationalError:
            self._note(outgoing, seal, done)
            raise
        self._unanswered.seal = None
        self._seals.append(seal)

    def _note(self, outgoing: Sequence[Outgoing], seal: Seal, done: int) -> None:
        found = self._unanswered
        found.outgoing, found.seal, found.done = list(outgoing), seal, done

    def _send(self, routed: Sequence[tuple[str, Outgoing]], seal: Seal, number: str) -> None:
        writing = Writing(self._server)
        for name in dict.fromkeys(name for name, _ in routed):
            queue = self._keys.queue(name)
            batch = writing.at(queue.owners)
            if not batch.keys:
                batch.once_for_client(queue.sent(seal.name), number, self._remembered)
        self.add_to(writing, routed)
        writing.run()

    def routed(self, outgoing: Sequence[Outgoing]) -> list[tuple[str, Outgoing]]:
        """Return which queue gets which message; raises QueueNotFound."""
        found: list[tuple[str, Outgoing]] = []
        for message in outgoing:
            message = messages.clamped(message, LOWEST)
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
                    name_there = messages.delayed_name(message.envelope.task_id, step)
                    writing.at(queue.owners).delay(queue, message.due, name_there, messages.pack(message))
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
