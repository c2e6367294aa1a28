"""The memory broker."""

from __future__ import annotations

import time
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
    RemembersRevoked,
    RemovesDelayed,
    ShowsDelayed,
)
from celeriac.contracts.settler import Fuses, Settler
from celeriac.drivers.memory.backend import MemoryBackend
from celeriac.drivers.memory.broadcast import MemoryListener, hub
from celeriac.drivers.memory.fused import MemorySettler
from celeriac.drivers.memory.store import HIGHEST, MessageStore
from celeriac.model.envelope import Delivery, Outgoing, Settlement
from celeriac.model.topology import Queue


class MemoryBroker(
    Broker, Delays, ShowsDelayed, RemovesDelayed, Prioritizes, Leases, DeadLetters, DeletesQueues, Broadcasts, RemembersRevoked, CountsStarts, Fuses
):
    """Queues in this process's memory; brokers opened by the same name share them."""

    priorities = (0, HIGHEST)

    def __init__(self, store: MessageStore, *, name: str = "", owner: str = "", lease: float = 10.0) -> None:
        self.owner = owner
        self.lease = lease
        self.name = name
        self._store = store
        self._closed = False
        self._woken = False
        self._turn = 0

    def connect(self) -> None:
        self._closed = False
        if self.owner:
            self.renew()

    def close(self) -> None:
        with self._store.lock:
            self._closed = True
            self._store.arrived.notify_all()

    def declare(self, queues: Iterable[Queue]) -> None:
        with self._store.lock:
            self._store.routes.add(queues)

    def publish(self, outgoing: Sequence[Outgoing]) -> None:
        store = self._store
        with store.lock:
            store.append(store.route(outgoing))

    def fetch(self, queues: Sequence[str], *, limit: int, wait: float) -> Sequence[Delivery]:
        store = self._store
        deadline = time.monotonic() + wait
        with store.lock:
            while True:
                found = self._take(queues, limit)
                left = deadline - time.monotonic()
                if found or left <= 0 or self._closed or self._woken:
                    self._woken = False
                    return found
                due = store.next_due(queues)
                store.arrived.wait(left if due is None else max(0.0, min(left, due - store.clock.now())))

    def wake(self) -> None:
        with self._store.lock:
            self._woken = True
            self._store.arrived.notify_all()

    def _take(self, queues: Sequence[str], limit: int) -> list[Delivery]:
        store = self._store
        if self.owner not in store.owners:
            self.renew()
        if len(queues) == 1:
            return store.take(queues[0], limit, self.owner)
        self._turn += 1
        first = self._turn % len(queues) if queues else 0
        turns = [*queues[first:], *queues[:first]]
        share = max(1, limit // max(1, len(turns)))
        found: list[Delivery] = []
        for most in (share, limit):
            for queue in turns:
                if len(found) < limit:
                    found += store.take(queue, min(most, limit - len(found)), self.owner)
        return found

    def settle(self, settlements: Sequence[Settlement]) -> None:
        with self._store.lock:
            self._store.settle(settlements, self.owner)

    def depth(self, queue: str) -> int:
        with self._store.lock:
            return len(self._store.lines.get(queue, ()))

    def purge(self, queue: str) -> int:
        with self._store.lock:
            line = self._store.lines.pop(queue, None)
            return 0 if line is None else len(line)

    def delete(self, queue: Queue) -> int:
        with self._store.lock:
            self._store.routes.remove(queue.name)
        return self.purge(queue.name)

    def next_due(self, queues: Sequence[str]) -> float | None:
        with self._store.lock:
            return self._store.next_due(queues)

    def delayed(self, queues: Sequence[str] | None = None, *, limit: int) -> Sequence[tuple[float, Delivery]]:
        with self._store.lock:
            return self._store.delayed(list(self._store.lines) if queues is None else queues, limit)

    def remove_delayed(self, ids: Collection[str]) -> Sequence[str]:
        with self._store.lock:
            return self._store.remove_delayed(ids)

    def start(self, key: str, *, space: float, slack: float) -> float | None:
        with self._store.lock:
            return self._store.start(key, space, slack)

    def remember_revoked(self, marks: Collection[str], *, kept: float) -> None:
        with self._store.lock:
            self._store.remember_revoked(marks, kept)

    def revoked_since(self, after: float) -> Sequence[tuple[str, float]]:
        with self._store.lock:
            return self._store.revoked_since(after)

    def renew(self) -> None:
        with self._store.lock:
            self._store.owners[self.owner] = self._store.clock.monotonic() + self.lease

    def recover(self) -> int:
        store = self._store
        with store.lock:
            now = store.clock.monotonic()
            dead = [owner for owner, expires in store.owners.items() if expires < now]
            for owner in dead:
                del store.owners[owner]
            return store.return_held(dead, untouched=False) if dead else 0

    def held(self) -> Sequence[Delivery]:
        with self._store.lock:
            return self._store.held_by(self.owner)

    def release(self) -> None:
        with self._store.lock:
            self._store.return_held((self.owner,), untouched=True)
            self._store.owners.pop(self.owner, None)

    def dead(self, queue: str | None = None, *, limit: int = 100) -> Sequence[DeadLetter]:
        with self._store.lock:
            letters = [letter for letter, _ in reversed(self._store.dead.values()) if queue is None or letter.queue == queue]
        return letters[:limit]

    def replay(self, keys: Collection[str]) -> int:
        store = self._store
        with store.lock:
            found = [store.dead.pop(key) for key in keys if key in store.dead]
            store.append([(message.queue, message.outgoing.replace(due=None)) for _, message in found])
        return len(found)

    def bury(self, keys: Collection[str]) -> int:
        with self._store.lock:
            return sum(self._store.dead.pop(key, None) is not None for key in keys)

    def broadcast(self, outgoing: Sequence[Outgoing]) -> bool:
        return hub(self.name).send(outgoing)

    def listen(self, exchange: str, patterns: Sequence[str] = ("#",)) -> Listener:
        return MemoryListener(hub(self.name), exchange, patterns)

    def fuse(self, backend: ResultBackend) -> Settler | None:
        if not isinstance(backend, MemoryBackend):
            return None
        return MemorySettler(self._store, self.owner, backend)
