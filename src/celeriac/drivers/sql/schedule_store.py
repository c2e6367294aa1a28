"""Schedules in the same file as the messages they send, so that a slot is marked as fired and its messages are sent in one write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from celeriac.contracts.schedule_store import ScheduleRecord, ScheduleStore
from celeriac.drivers.sql.lease import BOOT
from celeriac.drivers.sql.messages import Messages
from celeriac.drivers.sql.store import SqlStore, Transaction
from celeriac.model.envelope import Outgoing

_LEADER = "beat"


class SqlScheduleStore(ScheduleStore):
    """The schedule of one file."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._messages = Messages(store)

    def entries(self) -> Mapping[str, ScheduleRecord]:
        rows = self._store.read("schedule_all")
        return {row[0]: ScheduleRecord(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows}

    def put(self, records: Sequence[ScheduleRecord]) -> None:
        with self._store.write() as write:
            self._put(write, records)

    def _put(self, write: Transaction, records: Sequence[ScheduleRecord]) -> None:
        rows = [(r.name, r.body, r.next_due, r.last_run, r.runs, r.enabled) for r in records]
        write.cursor.executemany(self._store.texts["schedule_put"], rows)

    def remove(self, names: Collection[str]) -> None:
        rows = [(name,) for name in names]
        with self._store.write() as write:
            write.cursor.executemany(self._store.texts["schedule_drop"], rows)
            write.cursor.executemany(self._store.texts["fired_drop"], rows)

    def lead(self, candidate: str, ttl: float) -> int | None:
        now = self._store.clock.monotonic()
        with self._store.write() as write:
            row = write.cursor.execute(self._store.texts["leader_get"], (_LEADER,)).fetchone()
            token = 0
            if row is not None:
                leader, token, boot, expires = row
                if leader != candidate and boot == BOOT and expires > now:
                    return None
            if row is None or leader != candidate:
                token += 1
            write.cursor.execute(self._store.texts["leader_put"], (_LEADER, candidate, token, BOOT, now + ttl))
            return int(token)

    def fire(self, token: int, record: ScheduleRecord, slot: float, outgoing: Sequence[Outgoing]) -> bool:
        texts = self._store.texts
        with self._store.write() as write:
            leader = write.cursor.execute(texts["leader_get"], (_LEADER,)).fetchone()
            fired = write.cursor.execute(texts["fired_get"], (record.name,)).fetchone()
            if leader is None or leader[1] != token or (fired is not None and fired[0] >= slot):
                return False
            write.cursor.execute(texts["fired_put"], (record.name, slot))
            self._put(write, [record])
            if outgoing:
                self._messages.publish(write, outgoing)
            return True
