"""The result store: results, groups and chords in a database."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence

from celeriac.contracts.backend import CountsChords, Expires, FindsDueChords, Notifies, ResultBackend, StoresGroups, Watch
from celeriac.drivers.sql.results import Results
from celeriac.drivers.sql.store import SqlStore
from celeriac.drivers.sql.watch import SqlWatch
from celeriac.model.record import ChordPart, DueChord, GroupRecord, ResultRecord


class SqlBackend(ResultBackend, Notifies, CountsChords, FindsDueChords, StoresGroups, Expires):
    """Results in one file, shared by all processes that open it."""

    def __init__(self, store: SqlStore) -> None:
        self.shared = store
        self.results = Results(store)
        self._watches: weakref.WeakSet[SqlWatch] = weakref.WeakSet()

    def connect(self) -> None:
        self.shared.join(self)

    def close(self) -> None:
        for watch in list(self._watches):
            watch.close()
        self.shared.leave(self)

    def store(self, records: Sequence[ResultRecord]) -> None:
        if records:
            with self.shared.write() as write:
                self.results.put(write, records)

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        return {task_id: record for task_id in ids if (record := self.results.get(task_id)) is not None}

    def forget(self, ids: Collection[str]) -> None:
        self._drop("result_drop", ids)

    def _drop(self, statement: str, ids: Collection[str]) -> None:
        if ids:
            with self.shared.write() as write:
                write.cursor.executemany(self.shared.texts[statement], [(task_id,) for task_id in ids])

    def watch(self, ids: Collection[str]) -> Watch:
        watch = SqlWatch(self.results, ids)
        self._watches.add(watch)
        return watch

    def count(self, parts: Sequence[ChordPart]) -> Sequence[DueChord]:
        with self.shared.write() as write:
            return self.results.count(write, parts)

    def done(self, groups: Collection[str]) -> None:
        with self.shared.write() as write:
            self.results.finish(write, groups)

    def due(self, limit: int = 100) -> Sequence[DueChord]:
        return self.results.all_due(limit)

    def store_groups(self, records: Sequence[GroupRecord]) -> None:
        with self.shared.write() as write:
            self.results.put_groups(write, records)

    def load_group(self, group: str) -> GroupRecord | None:
        return self.results.get_group(group)

    def forget_groups(self, groups: Collection[str]) -> None:
        self._drop("group_drop", groups)

    def cleanup(self) -> int:
        return self.results.cleanup()
