"""Schedules in the same file as the messages they send, so that a slot is marked as fired and its messages are sent in one write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from celeriac.contracts.schedule_store import PAGE, Firing, ScheduleRecord, ScheduleStore
from celeriac.drivers.sql.dialect_sqlite import Row
from celeriac.drivers.sql.lease import BOOT
from celeriac.drivers.sql.messages import Messages
from celeriac.drivers.sql.store import SqlStore, Transaction, key


class SqlScheduleStore(ScheduleStore):
    """One application's schedule in a file; ``space`` is the name under which it is kept."""

    def __init__(self, store: SqlStore, space: str = "") -> None:
        self._store = store
        self._space = key(space) if space else ""
        self._leader = f"beat-{self._space}"
        self._messages = Messages(store)

    def scan(self) -> Iterator[ScheduleRecord]:
        last = ""
        while rows := self._store.read("entry_page", (self._space, last, PAGE)):
            yield from map(_record, rows)
            last = rows[-1][0]

    def get(self, names: Collection[str]) -> Mapping[str, ScheduleRecord]:
        rows = [row for name in names for row in self._store.read("entry_get", (self._space, name))]
        return {row[0]: _record(row) for row in rows}

    def put(self, records: Sequence[ScheduleRecord], *, afresh: bool = False) -> None:
        rows = [(self._space, r.name, r.body, r.next_due, r.last_run, r.runs, r.enabled) for r in records]
        with self._store.write() as write:
            write.cursor.executemany(self._store.texts["entry_put"], rows)
            if afresh:
                write.cursor.executemany(self._store.texts["fired_drop"], [row[:2] for row in rows])

    def remove(self, names: Collection[str]) -> None:
        rows = [(self._space, name) for name in names]
        with self._store.write() as write:
            write.cursor.executemany(self._store.texts["entry_drop"], rows)
            write.cursor.executemany(self._store.texts["fired_drop"], rows)

    def due_before(self, moment: float, limit: int) -> Sequence[ScheduleRecord]:
        return [_record(row) for row in self._store.read("entry_due", (self._space, moment, limit))]

    def next_due(self) -> float | None:
        found = self._store.read("entry_first", (self._space,))[0][0]
        return None if found is None else float(found)

    def stamp(self) -> str:
        rows = self._store.read("stamp_get", (self._space,))
        return str(rows[0][0]) if rows else ""

    def set_stamp(self, text: str) -> None:
        with self._store.write() as write:
            write.cursor.execute(self._store.texts["stamp_put"], (self._space, text))

    def lead(self, candidate: str, ttl: float) -> int | None:
        if self.leader() not in (None, candidate):
            return None
        with self._store.write() as write:
            now = self._store.clock.monotonic()
            row = write.cursor.execute(self._store.texts["leader_get"], (self._leader,)).fetchone()
            token = 0
            if row is not None:
                leader, token, boot, expires = row
                if leader != candidate and boot == BOOT and expires > now:
                    return None
            if row is None or leader != candidate:
                token += 1
            write.cursor.execute(self._store.texts["leader_put"], (self._leader, candidate, token, BOOT, now + ttl))
            return int(token)

    def resign(self, candidate: str) -> None:
        with self._store.write() as write:
            row = write.cursor.execute(self._store.texts["leader_get"], (self._leader,)).fetchone()
            if row is not None and row[0] == candidate:
                write.cursor.execute(self._store.texts["leader_put"], (self._leader, "", row[1], BOOT, 0.0))

    def leader(self) -> str | None:
        rows = self._store.read("leader_get", (self._leader,))
        if not rows:
            return None
        name, _, boot, expires = rows[0]
        return str(name) if boot == BOOT and expires > self._store.clock.monotonic() else None

    def fire(self, token: int, firings: Sequence[Firing]) -> Sequence[bool]:
        with self._store.write() as write:
            leader = write.cursor.execute(self._store.texts["leader_get"], (self._leader,)).fetchone()
            if leader is None or leader[1] != token:
                return [False] * len(firings)
            return [self._fire(write, firing) for firing in firings]

    def _fire(self, write: Transaction, firing: Firing) -> bool:
        texts, record = self._store.texts, firing.record
        fired = write.cursor.execute(texts["fired_get"], (self._space, record.name)).fetchone()
        if fired is not None and fired[0] >= firing.slot:
            return False
        changed = write.cursor.execute(
            texts["entry_fired"], (record.next_due, record.last_run, record.runs, self._space, record.name, record.body)
        )
        if not changed.rowcount:
            return False
        write.cursor.execute(texts["fired_put"], (self._space, record.name, firing.slot))
        if firing.outgoing:
            self._messages.publish(write, firing.outgoing)
        return True


def _record(row: Row) -> ScheduleRecord:
    return ScheduleRecord(row[0], row[1], row[2], row[3], row[4], bool(row[5]))
