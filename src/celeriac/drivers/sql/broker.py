"""The broker: queues in a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import (
    Broadcasts,
    Broker,
    CountsStarts,
    DeadLetter,
    DeadLetters,
    Delays,
    DeletesQueues,
    Leases,
    Listener,
    Prioritizes,
    RemembersBegun,
    RemembersRevoked,
    RemovesDelayed,
    ShowsDelayed,
)
from celeriac.contracts.settler import Fuses, Settler
from celeriac.drivers.sql import rates, revoked
from celeriac.drivers.sql.backend import SqlBackend
from celeriac.drivers.sql.broadcast import SqlListener, broadcast
from celeriac.drivers.sql.fused import SqlSettler
from celeriac.drivers.sql.lease import Lease
from celeriac.drivers.sql.messages import Messages
from celeriac.drivers.sql.payload import HIGHEST, delivery, span, unpack
from celeriac.drivers.sql.store import SqlStore, Transaction
from celeriac.drivers.sql.waiting import QueueWaiters
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Tag
from celeriac.model.topology import Queue

SLICE = 10_000
"""Messages that one write of a purge throws away: others get their turn in between."""


class SqlBroker(
    Broker, Delays, ShowsDelayed, RemovesDelayed, Prioritizes, Leases, DeadLetters, DeletesQueues, Broadcasts,
    RemembersRevoked, RemembersBegun, CountsStarts, Fuses,
):  # fmt: skip
    """Queues in one file, shared by all processes that open it."""

    priorities = (0, HIGHEST)

    def __init__(self, store: SqlStore, *, owner: str = "", lease: float = 10.0) -> None:
        self.owner = owner
        self.lease = lease
        self._store = store
        self._messages = Messages(store)
        self._lease = Lease(store, owner, lease)
        self._waiters = QueueWaiters(store)
        self._turn = 0
        self._was_full = False
        self._fetched: set[str] = set()

    def connect(self) -> None:
        self._store.join(self)
        self._waiters.open()
        if self.owner:
            self.renew()

    def close(self) -> None:
        self._waiters.close()
        self._store.leave(self)

    def declare(self, queues: Iterable[Queue]) -> None:
        new = [queue for queue in queues if not self._messages.is_declared(queue)]
        if new:
            with self._store.write() as write:
                self._messages.declare(write, new)

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        if outgoing:
            with self._store.write() as write:
                self._messages.publish(write, outgoing)

    def fetch(self, queues: Sequence[str], *, limit: int, wait: float) -> Sequence[Delivery]:
        if limit <= 0:
            return ()
        self._fetched.update(queues)
        if self._was_full or self._messages.due(queues)[0]:
            found = self._take(queues, limit)
            if found:
                return found
        if wait <= 0:
            return ()
        return self._waiters.wait(queues, wait, lambda: self._messages.due(queues), lambda: self._take(queues, limit))

    def _take(self, queues: Sequence[str], limit: int) -> list[Delivery]:
        with self._store.write() as write:
            self._lease.ensure(write)
            found = self._take_in_turns(write, queues, limit)
        self._was_full = len(found) >= limit
        if self._was_full:
            # Whoever was woken took its fill and there may be more: pass the news on.
            self._waiters.pass_on(queues)
        return found

    def _take_in_turns(self, write: Transaction, queues: Sequence[str], limit: int) -> list[Delivery]:
        if len(queues) == 1:
            return self._messages.take(write, queues[0], limit, self.owner)
        found: list[Delivery] = []
        self._turn += 1
        first = self._turn % len(queues) if queues else 0
        for most in (max(1, limit // max(1, len(queues))), limit):
            for queue in (*queues[first:], *queues[:first]):
                if len(found) < limit:
                    found += self._messages.take(write, queue, min(most, limit - len(found)), self.owner)
        return found

    def wake(self) -> None:
        self._waiters.wake()

    def settle(self, settlements: Sequence[Settlement]) -> None:
        if settlements:
            with self._store.write() as write:
                self._messages.settle(write, settlements, self.owner)

    def depth(self, queue: str) -> int:
        number = self._store.queue_number(queue)
        if number is None:
            return 0
        return int(self._store.read("ready_count", span(number))[0][0] + self._store.read("delayed_count", (number,))[0][0])

    def purge(self, queue: str) -> int:
        number = self._store.queue_number(queue)
        if number is None:
            return 0
        with self._store.write() as write:
            gone = int(write.cursor.execute(self._store.texts["delayed_purge"], (number,)).rowcount)
        waiting = self.depth(queue)
        while waiting > 0:
            cut = self._messages.cut(number, SLICE)
            waiting = waiting - cut if cut else 0
            gone += cut
        return gone

    def delete(self, queue: Queue) -> int:
        if self._store.queue_number(queue.name) is None:
            return 0
        self.declare([Queue(queue.name)])
        return self.purge(queue.name)

    def next_due(self, queues: Sequence[str]) -> float | None:
        numbers = [number for queue in queues if (number := self._store.queue_number(queue)) is not None]
        firsts = [rows[0][0] for number in numbers if (rows := self._store.read("delayed_first", (number,)))]
        return min(firsts, default=None)

    def delayed(self, queues: Sequence[str] | None = None, *, limit: int) -> Sequence[tuple[float, Delivery]]:
        found: list[tuple[float, Delivery]] = []
        for queue in self._all_queues() if queues is None else queues:
            number = self._store.queue_number(queue)
            rows = [] if number is None else self._store.read("delayed_list", (number, limit))
            found += [(due, delivery(place, queue, place, tries, payload)) for due, place, tries, payload in rows]
        return sorted(found, key=lambda each: each[0])[:limit]

    def _all_queues(self) -> list[str]:
        return [name for (name,) in self._store.read("queue_names")]

    def remove_delayed(self, ids: Collection[str]) -> Sequence[str]:
        return [found for queue in self._all_queues() for found in self._messages.remove_delayed(queue, ids)]

    def renew(self) -> None:
        with self._store.write() as write:
            self._lease.renew(write)

    def recover(self) -> int:
        if not self._lease.any_lost():
            return 0
        with self._store.write() as write:
            self._lease.forget_dead(write)
            return self._messages.return_orphans(write)

    def held(self) -> Sequence[Delivery]:
        return self._messages.held_by(self.owner)

    def begun(self) -> Collection[Tag]:
        return self._messages.begun.known(self.owner)

    def inherit(self) -> Sequence[tuple[Delivery, str]]:
        return self._messages.begun.inherit(self._fetched, self.owner)

    def release(self) -> None:
        with self._store.write() as write:
            self._messages.return_all_of(write, self.owner)
            self._lease.give_up(write)

    def dead(self, queue: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        if queue is None:
            rows = self._store.read("dead_list", (limit,))
        else:
            number = self._store.queue_number(queue)
            rows = [] if number is None else self._store.read("dead_list_of", (number, limit))
        return [DeadLetter(str(n), self._store.queue_name(q), unpack(payload)[0], reason, died) for n, q, died, reason, payload in rows]

    def replay(self, keys: Collection[str]) -> int:
        with self._store.write() as write:
            return self._messages.replay(write, _numbers(keys))

    def bury(self, keys: Collection[str]) -> int:
        with self._store.write() as write:
            return sum(write.cursor.execute(self._store.texts["dead_drop"], (number,)).rowcount for number in _numbers(keys))

    def broadcast(self, outgoing: Sequence[Outgoing]) -> bool:
        return broadcast(self._store, outgoing)

    def listen(self, exchange: str, patterns: Sequence[str] = ("#",)) -> Listener:
        return SqlListener(self._store, exchange, patterns)

    def start(self, key: str, *, space: float, slack: float) -> float | None:
        return rates.start(self._store, key, space, slack)

    def remember_revoked(self, marks: Collection[str], *, kept: float) -> None:
        if marks:
            with self._store.write() as write:
                revoked.remember(write, self._store, marks, kept)

    def revoked_since(self, after: float) -> Sequence[tuple[str, float]]:
        return revoked.since(self._store, after)

    def fuse(self, backend: ResultBackend) -> Settler | None:
        if isinstance(backend, SqlBackend) and backend.shared is self._store:
            return SqlSettler(self._store, self._messages, self.owner, backend)
        return None


def _numbers(keys: Iterable[str]) -> list[int]:
    return [int(key) for key in keys if key.isascii() and key.isdigit()]
