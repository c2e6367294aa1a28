"""What is done with messages inside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from celeriac.drivers.routes import Routes
from celeriac.drivers.sql.begun import Begun
from celeriac.drivers.sql.dialect_sqlite import Row
from celeriac.drivers.sql.payload import MOST_MESSAGES, MOST_QUEUES, as_new, delivery, lost_with, pack, position, queue_of, span, unpack, with_deaths
from celeriac.drivers.sql.store import SqlStore, Transaction
from celeriac.model.envelope import Delivery, Outgoing, Settlement, Verdict
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.model.topology import Queue

SLICE = 2000
"""Rows that are looked through at once."""


class Messages:
    """Queues, deliveries in flight and dead letters of a store; methods that take a Transaction are a part of it."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.begun = Begun(store)
        self._routes = Routes()
        self._routes_version = -1

    def queue_number(self, write: Transaction, name: str) -> int:
        """Return a queue's number, giving it one if it is new."""
        number = self.store.queue_number(name)
        if number is None:
            write.cursor.execute(self.store.texts["queue_new"], (name,))
            number = self.store.queue_number(name)
        if number is None or number > MOST_QUEUES:
            path = self.store.dialect.path
            raise ImproperlyConfigured(f"The SQLite file {path} has {MOST_QUEUES} queues, which is the most: use fewer names of queues")
        return number

    def declare(self, write: Transaction, queues: Iterable[Queue]) -> None:
        """Keep queues and their bindings."""
        texts, changed = self.store.texts, False
        for queue in queues:
            number = self.queue_number(write, queue.name)
            declared = msgspec.msgpack.encode(queue)
            if write.cursor.execute(texts["queue_declaration"], (number,)).fetchone() != (declared,):
                write.cursor.execute(texts["queue_declare"], (declared, number))
                changed = True
        if changed:
            self._next(write, "topology", 1)

    def is_declared(self, queue: Queue) -> bool:
        """Say whether a queue is known exactly like this, without writing."""
        number = self.store.queue_number(queue.name)
        return number is not None and self.store.read("queue_declaration", (number,)) == [(msgspec.msgpack.encode(queue),)]

    def _next(self, write: Transaction, counter: str, amount: int) -> int:
        """Return the first of ``amount`` numbers that were never given before."""
        rows = write.cursor.execute(self.store.texts["counter_add"], (amount, counter)).fetchall()
        return int(rows[0][0]) - amount + 1

    def publish(self, write: Transaction, outgoing: Sequence[Outgoing]) -> None:
        """Add messages to their queues."""
        targets: list[tuple[int, Outgoing]] = []
        for message in outgoing:
            for name in self._queues_of(message) if message.exchange else (message.routing_key,):
                targets.append((self.queue_number(write, name), message))
        sequence = self._next(write, "message", len(targets))
        if sequence > MOST_MESSAGES - len(targets):
            raise OperationalError(f"The SQLite file {self.store.dialect.path} has carried {MOST_MESSAGES} messages, its most: begin a new file")
        now = self.store.clock.now()
        ready: list[Row] = []
        delayed: list[Row] = []
        for queue, message in targets:
            place = position(queue, message.priority, sequence)
            sequence += 1
            if message.due is not None and message.due > now:
                delayed.append((queue, message.due, place, 0, pack(message)))
            else:
                ready.append((place, 0, pack(message)))
            write.queues.add(queue)
        self._add(write, ready, delayed)

    def _add(self, write: Transaction, ready: Sequence[Row], delayed: Sequence[Row]) -> None:
        if ready:
            write.cursor.executemany(self.store.texts["ready_add"], ready)
        if delayed:
            write.cursor.executemany(self.store.texts["delayed_add"], delayed)

    def _queues_of(self, outgoing: Outgoing) -> list[str]:
        version = int(self.store.read("counter_get", ("topology",))[0][0])
        if version != self._routes_version:
            routes = Routes()
            routes.add(msgspec.msgpack.decode(row[0], type=Queue) for row in self.store.read("queue_declared"))
            self._routes, self._routes_version = routes, version
        return self._routes.queues_of(outgoing)

    def due(self, queues: Sequence[str]) -> tuple[bool, float | None]:
        """Say whether a message waits in one of the queues, and when the next delayed one is due."""
        next_due: float | None = None
        for name in queues:
            number = self.store.queue_number(name)
            if number is None:
                continue
            if self.store.read("ready_any", span(number)):
                return True, None
            rows = self.store.read("delayed_first", (number,))
            if rows:
                next_due = rows[0][0] if next_due is None else min(next_due, rows[0][0])
        return next_due is not None and next_due <= self.store.clock.now(), next_due

    def take(self, write: Transaction, queue: str, limit: int, owner: str) -> list[Delivery]:
        """Hand the next messages of a queue to an owner."""
        number = self.store.queue_number(queue)
        if number is None:
            return []
        self._promote(write, number)
        rows = self.store.dialect.take(write.cursor, *span(number), limit)
        if not rows:
            return []
        tag = self._next(write, "tag", len(rows))
        held = [(tag + index, place, owner, tries, payload) for index, (place, tries, payload) in enumerate(rows)]
        write.cursor.executemany(self.store.texts["held_add"], held)
        return [delivery(tag + index, queue, *row) for index, row in enumerate(rows)]

    def cut(self, queue: int, most: int) -> int:
        """Throw away up to ``most`` messages from the head of a queue; return how many."""
        texts, (first, last) = self.store.texts, span(queue)
        with self.store.write() as write:
            ahead = write.cursor.execute(texts["ready_ahead"], (first, last, most)).fetchone()
            return int(write.cursor.execute(texts["ready_cut"], (first, last if ahead is None else ahead[0] - 1)).rowcount)

    def _promote(self, write: Transaction, queue: int) -> None:
        texts = self.store.texts
        first = write.cursor.execute(texts["delayed_first"], (queue,)).fetchone()
        now = self.store.clock.now()
        if first is not None and first[0] <= now:
            rows = write.cursor.execute(texts["delayed_due"], (queue, now)).fetchall()
            write.cursor.execute(texts["delayed_cut"], (queue, now))
            write.cursor.executemany(texts["ready_add"], rows)

    def remove_delayed(self, queue: str, ids: Collection[str]) -> list[str]:
        """Throw away the delayed messages of these tasks; return the ids that were found."""
        number, found = self.store.queue_number(queue), []
        after = (float("-inf"), 0)
        while rows := self.store.read("delayed_after", (number, after[0], *after, SLICE)):
            named = {(due, place): unpack(payload)[0].task_id for due, place, payload in rows}
            gone = [(number, due, place) for (due, place), task_id in named.items() if task_id in ids]
            if gone:
                with self.store.write() as write:
                    found += [str(named[key[1:]]) for key in gone if write.cursor.execute(self.store.texts["delayed_drop"], key).rowcount]
            after = next(reversed(named))
        return found

    def settle(self, write: Transaction, settlements: Sequence[Settlement], owner: str) -> None:
        """Carry out verdicts; tags that this owner does not hold are passed over."""
        done = []
        self.begun.settle(write, settlements, owner)
        for settlement in settlements:
            if settlement.verdict is Verdict.BEGIN:
                continue
            if settlement.verdict is not Verdict.ACK:
                self._give_back(write, settlement, owner)
            done.append((settlement.tag, owner))
        write.cursor.executemany(self.store.texts["held_drop"], done)

    def _give_back(self, write: Transaction, settlement: Settlement, owner: str) -> None:
        texts = self.store.texts
        found = write.cursor.execute(texts["held_get"], (settlement.tag, owner)).fetchone()
        if found is None:
            return
        place, tries, payload = found
        queue = queue_of(place)
        tries += not settlement.untouched
        if settlement.verdict is Verdict.REQUEUE:
            payload = with_deaths(payload, settlement.deaths) if settlement.deaths else payload
            write.cursor.execute(texts["ready_add"], (place, tries, payload))
            write.queues.add(queue)
        elif settlement.verdict is Verdict.POSTPONE:
            write.cursor.execute(texts["delayed_add"], (queue, settlement.until or 0.0, place, tries, payload))
            write.queues.add(queue)
        else:
            write.cursor.execute(texts["dead_add"], (queue, place, self.store.clock.now(), settlement.reason, payload))
        # A settlement that comes twice in one batch finds nothing the second time.
        write.cursor.execute(texts["held_drop"], (settlement.tag, owner))

    def held_by(self, owner: str) -> list[Delivery]:
        """Return what an owner holds."""
        rows = self.store.read("held_by", (owner,))
        return [delivery(tag, self.store.queue_name(queue_of(place)), place, tries, payload) for tag, place, tries, payload in rows]

    def return_orphans(self, write: Transaction) -> int:
        """Put back, one delivery more behind them, the messages whose owner is not known (any more); not what it had begun."""
        found = write.cursor.execute(self.store.texts["held_orphans"]).fetchall()
        begun = self.begun.orphans(write) if found else ()
        rows = [row for row in found if row[0] not in begun]
        write.cursor.executemany(self.store.texts["held_drop_any"], [row[:1] for row in rows])
        now = self.store.clock.now()
        return self._put_back(write, [(place, tries + 1, lost_with(payload, tries, now, owner)) for _, place, tries, payload, owner in rows])

    def return_all_of(self, write: Transaction, owner: str) -> int:
        """Put back, untouched, what an owner holds and has not begun."""
        begun = self.begun.of(write, owner)
        rows = [row for row in write.cursor.execute(self.store.texts["held_by"], (owner,)).fetchall() if row[0] not in begun]
        write.cursor.executemany(self.store.texts["held_drop_any"], [row[:1] for row in rows])
        return self._put_back(write, [row[1:] for row in rows])

    def _put_back(self, write: Transaction, rows: Sequence[Row]) -> int:
        self._add(write, rows, ())
        write.queues.update(queue_of(row[0]) for row in rows)
        return len(rows)

    def replay(self, write: Transaction, numbers: Iterable[int]) -> int:
        """Put dead letters back into their queues, as new."""
        texts, count = self.store.texts, 0
        for number in numbers:
            found = write.cursor.execute(texts["dead_get"], (number,)).fetchone()
            if found is not None:
                place, payload = found
                write.cursor.execute(texts["dead_drop"], (number,))
                count += self._put_back(write, [(place, 0, as_new(payload))])
        return count

