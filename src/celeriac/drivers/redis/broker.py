"""The broker: Celery's lists, with what Celery's broker lacks beside them.

Priorities are Celery's for Redis: 0 comes first and 9 last, in the steps of the transport option ``priority_steps``; a message without one is a 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import (
    Advises,
    Broadcasts,
    Broker,
    CountsStarts,
    DeadLetter,
    DeadLetters,
    DeadTo,
    Delays,
    DeletesQueues,
    Departs,
    Leases,
    Listener,
    Prioritizes,
    Remains,
    RemembersBegun,
    RemembersRevoked,
    RemovesDelayed,
    ShowsDelayed,
)
from celeriac.contracts.settler import Fuses, Settler
from celeriac.drivers.redis import eviction, scripts
from celeriac.drivers.redis.backend import RedisBackend
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.broadcast import RedisListener, broadcast
from celeriac.drivers.redis.custody import Custody, Foreign
from celeriac.drivers.redis.delayed import Delayed
from celeriac.drivers.redis.departing import Departing
from celeriac.drivers.redis.fleet import Fleet
from celeriac.drivers.redis.flight import ROUND_ROBIN, Flight
from celeriac.drivers.redis.fused import RedisSettler
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.outbound import LOWEST, Outbound
from celeriac.drivers.redis.replies import ReplyListener, is_reply, reply
from celeriac.drivers.redis.server import Server, enter, leave
from celeriac.drivers.redis.waiting import Waiting
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Tag
from celeriac.model.topology import Queue

logger = logging.getLogger("celeriac.drivers.redis")

class RedisBroker(
    Broker, Delays, ShowsDelayed, RemovesDelayed, Prioritizes, Leases, DeadLetters, DeletesQueues, Broadcasts,
    RemembersRevoked, RemembersBegun, CountsStarts, Departs, Advises, Fuses,
):  # fmt: skip
    """Queues in one database of a server."""

    priorities = (LOWEST, 0)

    def __init__(self, server: Server, options: Mapping[str, Any] = {}, *, owner: str = "", lease: float = 10.0) -> None:
        self.owner = owner
        self.lease = lease
        self.server = server
        self._entered = False
        address = server.address
        self._keys = BrokerKeys(options, cluster=address.cluster, db=address.db)
        self._bindings = Bindings(server, self._keys)
        self._flight = Flight(server, self._keys, owner, lease, order=str(options.get("queue_order_strategy") or ROUND_ROBIN))
        self._waiting = Waiting(server, self._keys, self._flight, owner)
        self._custody = Custody(server, self._keys, self._flight, self._bindings, Foreign.of(options), self._waiting, owner=owner)
        remembered = 60.0 + 2 * float(options.get("publish_timeout") or 0.0)
        self._outbound = Outbound(server, self._keys, self._bindings, self._custody, self._flight, worker=bool(owner), remembered=remembered)
        self._fleet = Fleet(server, self._keys.own)

    def connect(self) -> None:
        if not self._entered:
            self._entered = True
            enter(self.server)
        self._waiting.open()
        self.server.one("PING")
        if self.owner:
            for sentence in self.advice():
                logger.warning("%s", sentence)

    def close(self) -> None:
        self._waiting.close()
        if self._entered:
            self._entered = False
            leave(self.server)

    def declare(self, queues: Iterable[Queue]) -> None:
        self._bindings.declare(queues)

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        if outgoing:
            self._outbound.publish(outgoing)

    def fetch(self, queues: Sequence[str], *, limit: int, wait: float) -> Sequence[Delivery]:
        if not queues:
            return ()
        if wait <= 0 or self._flight.busy:
            found = self._waiting.late() or self._flight.take(queues, limit)
            if found or wait <= 0:
                return found
        return self._waiting.wait(queues, wait, lambda: self._flight.take(queues, limit))

    def wake(self) -> None:
        self._waiting.wake()

    def settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            self._flight.settle(settlements)

    def depth(self, queue: str) -> int:
        keys = self._keys.queue(queue)
        return sum(self.server.run([*(("LLEN", one) for one in keys.lists), ("ZCARD", keys.delayed)]))

    def purge(self, queue: str) -> int:
        keys = self._keys.queue(queue)
        return int(self.server.call(scripts.PURGE, (*keys.lists, keys.delayed, keys.delayed_texts), ()))

    def delete(self, queue: Queue) -> int:
        self._bindings.remove(queue)
        return self.purge(queue.name)

    def next_due(self, queues: Sequence[str]) -> float | None:
        rows = self.server.run([("ZRANGE", self._keys.queue(queue).delayed, 0, 0, "WITHSCORES") for queue in queues])
        return min((float(row[1]) for row in rows if row), default=None)

    def delayed(self, queues: Sequence[str] | None = None, *, limit: int) -> Sequence[tuple[float, Delivery]]:
        return Delayed(self.server, self._keys).shown(self._custody.all_queues() if queues is None else queues, limit)

    def remove_delayed(self, ids: Collection[str]) -> Sequence[str]:
        return Delayed(self.server, self._keys).remove(self._custody.all_queues(), ids)

    def renew(self) -> None:
        self._waiting.tend()
        self._custody.renew()

    def recover(self) -> int:
        return self._custody.recover()

    def tend(self) -> int:
        self._waiting.tend()
        return self._custody.tend()

    @property
    def crowd(self) -> int:
        return self._flight.lease.crowd

    def held(self) -> Sequence[Delivery]:
        return self._flight.held({*self._custody.all_queues(), *self._flight.queues})

    def begun(self) -> Collection[Tag]:
        return self._flight.begun.known({*self._custody.all_queues(), *self._flight.queues})

    def judge(self, may_run_again: Callable[[Delivery], bool]) -> None:
        self._flight.may_run_again = may_run_again

    def begins(self, delivery: Delivery) -> bool:
        return self._flight.begins(delivery)

    def inherit(self) -> Sequence[tuple[Delivery, str]]:
        return self._custody.inherited()

    def taken_away(self, seconds: float) -> bool:
        return self._custody.taken_away(seconds)

    def release(self) -> None:
        self._waiting.stop()
        self._custody.release()

    def dead(self, queue: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        return self._custody.dead(queue, limit)

    def replay(self, keys: Collection[str]) -> int:
        return self._custody.replay(keys)

    def bury(self, keys: Collection[str]) -> int:
        return self._custody.bury(keys)

    def remember_revoked(self, marks: Collection[str], *, kept: float) -> None:
        self._fleet.remember_revoked(marks, kept)

    def revoked_since(self, after: float) -> Sequence[tuple[str, float]]:
        return self._fleet.revoked_since(after)

    def start(self, key: str, *, space: float, slack: float) -> float | None:
        return self._fleet.start(key, space, slack)

    def advice(self) -> Sequence[str]:
        found = eviction.advice(self.server)
        return () if found is None else (found,)

    def present(self) -> Sequence[str]:
        return self._departing().present()

    def remains(self) -> Remains:
        return self._departing().remains()

    def depart(self, dead: DeadTo) -> Remains:
        return self._departing().depart(dead)

    def _departing(self) -> Departing:
        return Departing(self.server, self._keys, self._custody)

    def broadcast(self, outgoing: Sequence[Outgoing]) -> bool | None:
        replies = [message for message in outgoing if is_reply(message.exchange)]
        if not replies:
            return broadcast(self.server, self._keys, outgoing)
        answered = reply(self.server, self._keys, self._bindings, replies)
        news = [message for message in outgoing if not is_reply(message.exchange)]
        return broadcast(self.server, self._keys, news) or answered

    def listen(self, exchange: str, patterns: Sequence[str] = ("#",)) -> Listener:
        if is_reply(exchange):
            return ReplyListener(self.server, self._keys, exchange, patterns)
        return RedisListener(self.server, self._keys, exchange, patterns)

    def fuse(self, backend: ResultBackend) -> Settler | None:
        if not isinstance(backend, RedisBackend) or self.server.address.cluster or backend.server.address.place != self.server.address.place:
            return None
        return RedisSettler(self.server, self._keys, self._flight, self._outbound, backend, owner=self.owner)
