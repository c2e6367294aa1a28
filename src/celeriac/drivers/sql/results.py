"""What is done with results, groups and chords inside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from celeriac.drivers.sql.dialect_sqlite import Row
from celeriac.drivers.sql.store import SqlStore, Transaction
from celeriac.model.record import EXTRA, ChordPart, DueChord, GroupRecord, ResultRecord
from celeriac.model.states import READY_STATES

TOMBSTONE_TTL = 86_400.0
"""Seconds for which a finished chord is remembered at least, so that a late copy of a part does not start it again."""
ABANDONED_TTL = 7 * 86_400.0
"""Seconds after its last part for which an unfinished chord is kept."""
SLICE = 2_000
"""Rows that one write of a clean-up looks at: others get their turn in between."""

_encode = msgspec.msgpack.Encoder().encode
_decode_part = msgspec.msgpack.Decoder(ChordPart).decode


class Results:
    """The results of a store; methods that take a Transaction are a part of it."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def put(self, write: Transaction, records: Sequence[ResultRecord]) -> None:
        """Keep records; a SUCCESS stays as it is."""
        now = self.store.clock.now()
        rows = [(r.id, r.state, r.body, r.content_type, r.content_encoding, None if r.ttl is None else now + r.ttl, now) for r in records]
        write.cursor.executemany(self.store.texts["result_put"], rows)
        write.results.extend(r.id for r in records if r.state in READY_STATES)

    def get(self, task_id: str) -> ResultRecord | None:
        """Return a record that has not expired."""
        return self._alive(self.store.read("result_get", (task_id,)))

    def _alive(self, rows: Sequence[Row]) -> ResultRecord | None:
        if not rows:
            return None
        task_id, state, body, content_type, content_encoding, expires = rows[0]
        ttl = None if expires is None else expires - self.store.clock.now()
        return None if ttl is not None and ttl <= 0 else ResultRecord(task_id, state, body, content_type, content_encoding, ttl)

    def put_groups(self, write: Transaction, records: Sequence[GroupRecord]) -> None:
        """Keep groups."""
        now = self.store.clock.now()
        rows = [(r.id, r.body, r.content_type, r.content_encoding, None if r.ttl is None else now + r.ttl) for r in records]
        write.cursor.executemany(self.store.texts["group_put"], rows)

    def get_group(self, group: str) -> GroupRecord | None:
        """Return a group that has not expired."""
        rows = self.store.read("group_get", (group,))
        if not rows:
            return None
        group, body, content_type, content_encoding, expires = rows[0]
        ttl = None if expires is None else expires - self.store.clock.now()
        return None if ttl is not None and ttl <= 0 else GroupRecord(group, body, content_type, content_encoding, ttl)

    def count(self, write: Transaction, parts: Iterable[ChordPart]) -> list[DueChord]:
        """Count parts of chords; return those that are due."""
        touched = dict.fromkeys(part.group for part in parts if part.size and self._count_one(write, part))
        return [due for group in touched if (due := self._due(write, group)) is not None]

    def _count_one(self, write: Transaction, part: ChordPart) -> bool:
        texts = self.store.texts
        expires = self.store.clock.now() + max(part.ttl or 0.0, ABANDONED_TTL)
        state = write.cursor.execute(texts["chord_get"], (part.group,)).fetchone()
        if state is None:
            write.cursor.execute(texts["chord_new"], (part.group, part.size, 0, 0, 0, expires))
        elif state[3]:
            return False
        added = write.cursor.execute(texts["part_add"], (part.group, part.index, part.failed, _encode(part))).rowcount
        if added == 1:
            write.cursor.execute(texts["chord_count"], (part.weight, part.failed, expires, part.group))
        return True

    def all_due(self, limit: int) -> list[DueChord]:
        """Return chords that are due and not done."""
        with self.store.write() as write:
            groups = [row[0] for row in write.cursor.execute(self.store.texts["chord_due"], (limit,)).fetchall()]
            return [due for group in groups if (due := self._due(write, group)) is not None]

    def _due(self, write: Transaction, group: str) -> DueChord | None:
        texts = self.store.texts
        size, counted, failed, _ = write.cursor.execute(texts["chord_get"], (group,)).fetchone()
        if failed:
            rows = write.cursor.execute(texts["part_failed"], (group,)).fetchall()
        elif counted >= size * EXTRA:
            rows = write.cursor.execute(texts["part_all"], (group,)).fetchall()
        else:
            return None
        return DueChord(group, tuple(_decode_part(row[0]) for row in rows), bool(failed))

    def finish(self, write: Transaction, groups: Collection[str]) -> None:
        """Mark chords as done: what is left of them is a line that says so."""
        expires = self.store.clock.now() + TOMBSTONE_TTL
        for group in groups:
            write.cursor.execute(self.store.texts["chord_new"], (group, 0, 0, 0, 1, expires))
            write.cursor.execute(self.store.texts["chord_finish"], (expires, group))
            write.cursor.execute(self.store.texts["part_drop"], (group,))

    def cleanup(self) -> int:
        """Remove what has expired, a slice at a time."""
        store, now, gone = self.store, self.store.clock.now(), 0
        last = store.read("result_last")[0][0] or 0
        for first in range(0, last + 1, SLICE):
            with store.write() as write:
                gone += write.cursor.execute(store.texts["result_expire"], (first, first + SLICE - 1, now)).rowcount
        with store.write() as write:
            gone += write.cursor.execute(store.texts["group_expire"], (now,)).rowcount
            write.cursor.execute(store.texts["part_expire"], (now,))
            write.cursor.execute(store.texts["chord_expire"], (now,))
        return gone
