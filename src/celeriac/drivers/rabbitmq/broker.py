"""The broker: queues of a RabbitMQ."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import (
    Broadcasts,
    Broker,
    DeadLetter,
    DeadLetters,
    Delays,
    DeletesQueues,
    Exchanges,
    Listener,
    Prioritizes,
    RemovesDelayed,
    ReturnsWhenCut,
    ShowsDelayed,
)
from celeriac.contracts.settler import Fuses, Settler
from celeriac.drivers.rabbitmq import by_hand
from celeriac.drivers.rabbitmq.address import Address
from celeriac.drivers.rabbitmq.backend import RpcBackend
from celeriac.drivers.rabbitmq.broadcast import AmqpListener
from celeriac.drivers.rabbitmq.chord_settler import ChordSettler
from celeriac.drivers.rabbitmq.consuming import DUE, Consumption
from celeriac.drivers.rabbitmq.content import HIGHEST, encode_message
from celeriac.drivers.rabbitmq.fused import RpcSettler, Share
from celeriac.drivers.rabbitmq.letters import Letters, Peek
from celeriac.drivers.rabbitmq.link import Link
from celeriac.drivers.rabbitmq.memory import Stale, Tries
from celeriac.drivers.rabbitmq.sending import Sending
from celeriac.drivers.rabbitmq.session import Session
from celeriac.drivers.rabbitmq.tending import Tender
from celeriac.drivers.rabbitmq.topology import HIGHEST_LEVEL, Admin, Definition, Definitions, holding
from celeriac.drivers.two_step import TwoStep
from celeriac.lib.clock import Clock
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Tag, Verdict
from celeriac.model.errors import OperationalError
from celeriac.model.topology import Exchange, Queue

_AGAIN = 0.05
_FEW, _BUSY = 16, 0.01
"""A fetch of up to this many closes its windows when it got them all and the last came more than so many seconds before: this is a worker that
takes its time, and must not hoard what others could run."""


class AmqpBroker(Broker, Delays, ShowsDelayed, RemovesDelayed, Prioritizes, ReturnsWhenCut, DeadLetters, DeletesQueues, Exchanges, Broadcasts, Fuses):
    """Queues on a server; what this process holds returns when its connection ends, so nothing has to be renewed or recovered."""

    priorities = (0, HIGHEST)

    def __init__(
        self, address: Address, *, owner: str = "", clock: Clock, ask: Definition | None = None, known: Callable[[], Iterable[str]] | None = None
    ) -> None:
        self.owner = owner
        self.address = address
        self._clock = clock
        self._definitions = Definitions(ask, known)
        self._known = known
        self._tries, self._stale = Tries(), Stale()
        self._previous: Consumption | None = None
        self._session = Session(self._open_consuming, self._consumption)
        self._sending = Sending(self._open_publishing, address, self._definitions, clock)
        self._letters = Letters(self._sending, clock)
        self._listeners: list[AmqpListener] = []
        self._tender = Tender(self._session.peek, self._beat_listeners)
        self._closed = threading.Event()
        self._woken = False
        self._seen: set[str] = set()
        self._guard = threading.Lock()

    def _open_consuming(self) -> Link:
        return Link(self.address, name=f"{self.owner or 'celeriac'} (consumer)", heartbeat=self.address.heartbeat)

    def _open_publishing(self) -> Link:
        return Link(self.address, name=f"{self.owner or f'client {os.getpid()}'} (publisher)")

    def _consumption(self, link: Link) -> Consumption:
        previous = self._previous
        if previous is not None:
            self._stale.cut(*previous.in_hand())
        self._previous = found = Consumption(link, self._definitions, self._tries, self._stale, self._clock)
        return found

    def connect(self) -> None:
        self._closed.clear()
        # Both of a worker's at once: what is made only when the first outcome is written would hold that up, and a death meanwhile repeats it.
        if self.owner:
            self._session.get()
        self._sending.get()

    def close(self) -> None:
        self._closed.set()
        self.wake()
        for listener in list(self._listeners):
            listener.close()
        self._tender.close()
        self._session.close()
        self._sending.close()
        self._previous = None

    def declare(self, queues: Iterable[Queue]) -> None:
        wanted = list(queues)
        self._definitions.add(wanted)
        self._seen.update(queue.name for queue in wanted)
        self._admin().declare(wanted)

    def _admin(self) -> Admin:
        # Queues that are for one connection only must be declared by the one that consumes.
        return self._session.get().admin if self.owner else self._sending.get().admin

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        self._sending.publish(outgoing)

    # consuming

    def fetch(self, queues: Sequence[str], *, limit: int, wait: float) -> Sequence[Delivery]:
        if limit <= 0 or not queues or self._closed.is_set():
            return ()
        self._seen.update(queues)
        self._tender.entered()
        try:
            consumption = self._session.get()
            found = consumption.take(queues, limit)
            if not found:
                found = self._wait(consumption, queues, limit, wait) if wait > 0 else self._pull(consumption, queues, limit)
            if len(found) >= limit and limit <= _FEW and self._tender.pause > _BUSY:
                consumption.satisfied(queues)
            return found
        except OperationalError:
            if self._closed.is_set():
                return ()
            raise
        finally:
            self._woken = False
            self._tender.left()

    def _pull(self, consumption: Consumption, queues: Sequence[str], limit: int) -> list[Delivery]:
        found = consumption.pull(queues, limit)
        self._send_away(consumption)
        return found

    def _wait(self, consumption: Consumption, queues: Sequence[str], limit: int, wait: float) -> list[Delivery]:
        deadline = time.monotonic() + wait
        while not (self._woken or self._closed.is_set()):
            consumption.ask(queues, limit)
            left = deadline - time.monotonic()
            early = consumption.next_early()
            pause = left if early is None else min(left, max(0.0, early - self._clock.now()))
            consumption.link.wait(lambda: consumption.anything() or self._woken or self._closed.is_set(), max(0.0, pause))
            found = consumption.take(queues, limit)
            self._send_away(consumption)
            if found or left <= 0:
                return found
        return consumption.take(queues, limit) if not self._closed.is_set() else []

    def _send_away(self, consumption: Consumption) -> None:
        """Messages that have waited in one queue and are not due yet go to the next."""
        far = consumption.far()
        if far:
            self._sending.publish([_postponed(delivery, due) for due, delivery in far])
            consumption.settle([(delivery.tag, Verdict.ACK, False) for _, delivery in far])

    def wake(self) -> None:
        self._woken = True
        consumption = self._session.peek()
        if consumption is not None:
            consumption.link.wake()

    def settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            consumption = self._session.get()
            consumption.settle(self._verdicts(consumption, settlements))

    def fuse(self, backend: ResultBackend) -> Settler | None:
        if isinstance(backend, RpcBackend) and backend.shares(self.address):
            return ChordSettler(RpcSettler(TwoStep(self, backend), backend, self._settle_with), backend, self._sending)
        return None

    def _settle_with(self, shares: Sequence[Share]) -> None:
        consumption = self._session.get()
        most = consumption.link.frame_max
        consumption.settle_with([
            ([encode_message(result, most, mandatory=False) for result in results], self._verdicts(consumption, settlements))
            for results, settlements in shares
        ])

    def _verdicts(self, consumption: Consumption, settlements: Sequence[Settlement]) -> list[tuple[Tag, Verdict, bool]]:
        verdicts: list[tuple[Tag, Verdict, bool]] = []
        again: list[Outgoing] = []
        rejected: list[tuple[Delivery, str]] = []
        taken: set[Tag] = set()
        for settlement in settlements:
            verdict, tag = settlement.verdict, settlement.tag
            if verdict in (Verdict.POSTPONE, Verdict.REJECT) and tag not in taken:
                delivery = consumption.get(tag)
                if delivery is not None and verdict is Verdict.POSTPONE:
                    again.append(_postponed(delivery, settlement.until or 0.0))
                    verdict = Verdict.ACK
                elif delivery is not None and not self._has_own_dead_letters(delivery.queue):
                    rejected.append((delivery, settlement.reason))
                    verdict = Verdict.ACK
            taken.add(tag)
            verdicts.append((tag, verdict, settlement.untouched))
        # What is sent away must be safe before it is acknowledged.
        self._sending.publish(again)
        self._letters.keep(rejected)
        return verdicts

    def recognise(self, running: Sequence[Delivery]) -> None:
        self._stale.cut(running, ())

    def reclaim(self, patience: float) -> None:
        consumption, deadline = self._session.get(), time.monotonic() + patience
        while consumption.reclaim() and time.monotonic() < deadline:
            self._closed.wait(_AGAIN)

    def _has_own_dead_letters(self, queue: str) -> bool:
        return "x-dead-letter-exchange" in self._definitions.of(queue).queue_arguments

    def depth(self, queue: str) -> int:
        admin, consumption = self._admin(), self._session.peek()
        here = 0 if consumption is None else consumption.waiting(queue)
        return here + sum(admin.count(name) or 0 for name in (queue, *self._holding(queue)))

    def purge(self, queue: str) -> int:
        admin, consumption = self._admin(), self._session.peek()
        here = 0 if consumption is None else consumption.throw_away(queue)
        return here + sum(admin.purge(name) for name in (queue, *self._holding(queue)))

    def delete(self, queue: Queue) -> int:
        admin, consumption = self._admin(), self._session.peek()
        if consumption is not None:
            consumption.throw_away(queue.name)
        return admin.delete(queue.name)

    def declare_exchange(self, exchange: Exchange, *, passive: bool = False) -> None:
        by_hand.declare_exchange(self._admin(), exchange, passive=passive)

    def delete_exchange(self, name: str, *, if_unused: bool = False) -> None:
        by_hand.delete_exchange(self._admin(), name, if_unused=if_unused)

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        by_hand.bind(self._admin(), queue, exchange, routing_key)

    def measure(self, queue: str) -> tuple[int, int] | None:
        return self._admin().measure(queue)

    def _holding(self, queue: str) -> list[str]:
        return [holding(queue, level) for level in range(HIGHEST_LEVEL + 1)]

    # delays

    def next_due(self, queues: Sequence[str]) -> float | None:
        return next((due for due, _ in self.delayed(queues, limit=1)), None)

    def delayed(self, queues: Sequence[str] | None = None, *, limit: int) -> Sequence[tuple[float, Delivery]]:
        sender, consumption = self._sending.get(), self._session.peek()
        wanted = self._names() if queues is None else queues
        found = [] if consumption is None else [(due, delivery) for due, delivery in consumption.held_early() if delivery.queue in wanted]
        for queue in wanted:
            for name in self._holding(queue):
                if sender.admin.count(name):
                    found += self._look(Peek(sender.channel.link, name), queue)
        return sorted(found, key=lambda each: each[0])[:limit]

    def _look(self, peek: Peek, queue: str) -> list[tuple[float, Delivery]]:
        try:
            found = []
            for tag, envelope in peek.messages():
                due = float(envelope.headers.pop(DUE, 0.0))
                found.append((due, Delivery(tag, queue, envelope, routing_key=queue, priority=envelope.properties.get("priority", 0))))
            return found
        finally:
            peek.close()

    def remove_delayed(self, ids: Collection[str]) -> Sequence[str]:
        sender, consumption = self._sending.get(), self._session.peek()
        wanted = frozenset(ids)
        gone = [] if consumption is None else consumption.drop_early(wanted)
        for queue in self._names():
            for name in self._holding(queue):
                if sender.admin.count(name):
                    gone += Peek(sender.channel.link, name).remove(wanted)
        return gone

    # dead letters

    def dead(self, queue: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        return self._letters.list([queue] if queue is not None else self._names(), limit)

    def _names(self) -> list[str]:
        """The queues that this process knows: AMQP has no way to ask for all."""
        return sorted(self._seen | set(self._known() if self._known is not None else ()))

    def replay(self, keys: Collection[str]) -> int:
        return self._letters.remove(keys, replay=True)

    def bury(self, keys: Collection[str]) -> int:
        return self._letters.remove(keys, replay=False)

    # broadcasts

    def broadcast(self, outgoing: Sequence[Outgoing]) -> bool | None:
        return self._sending.broadcast(outgoing)

    def listen(self, exchange: str, patterns: Sequence[str] = ("#",)) -> Listener:
        listener = AmqpListener(self._open_listening, exchange, patterns, self._forget_listener)
        with self._guard:
            self._listeners.append(listener)
        return listener

    def _open_listening(self) -> Link:
        return Link(self.address, name=f"{self.owner or f'client {os.getpid()}'} (listener)")

    def _forget_listener(self, listener: AmqpListener) -> None:
        with self._guard:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _beat_listeners(self) -> None:
        with self._guard:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.beat()


def _postponed(delivery: Delivery, due: float) -> Outgoing:
    return Outgoing(delivery.envelope, delivery.queue, priority=delivery.priority, due=due)
