"""Results, chords and groups in this process's memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence

from celeriac.contracts.backend import CountsChords, Expires, FindsDueChords, Notifies, ResultBackend, StoresGroups, Watch
from celeriac.lib.clock import Clock, SystemClock
from celeriac.model.record import EXTRA, ChordPart, DueChord, GroupRecord, ResultRecord
from celeriac.model.states import READY_STATES, SUCCESS

TOMBSTONE_TTL = 86_400.0
"""Seconds for which a chord is remembered at least: a late copy of a part does not start a finished one again; others may still come to their end."""


class _Chord:
    def __init__(self) -> None:
        self.parts: dict[int, ChordPart] = {}
        self.finished = False
        self.expires = 0.0


class ResultStore:
    """What memory backends of one name share. Every method must be called with ``lock`` held."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.records: dict[str, tuple[ResultRecord, float | None]] = {}
        self.groups: dict[str, tuple[GroupRecord, float | None]] = {}
        self.chords: dict[str, _Chord] = {}
        self.watching: dict[str, list[MemoryWatch]] = {}

    def put(self, records: Sequence[ResultRecord]) -> None:
        for record in records:
            known = self.get(record.id)
            if known is not None and known.state == SUCCESS:
                continue
            self.records[record.id] = (record, self._expiry(record.ttl))
            if record.state in READY_STATES and record.id in self.watching:
                for watch in self.watching.pop(record.id):
                    watch.put(record)

    def _expiry(self, ttl: float | None) -> float | None:
        return None if ttl is None else self.clock.now() + ttl

    def get(self, task_id: str) -> ResultRecord | None:
        found = self.records.get(task_id)
        if found is None:
            return None
        if found[1] is not None and found[1] <= self.clock.now():
            del self.records[task_id]
            return None
        return found[0]

    def put_group(self, record: GroupRecord) -> None:
        self.groups[record.id] = (record, self._expiry(record.ttl))

    def count(self, parts: Sequence[ChordPart]) -> list[DueChord]:
        touched: dict[str, int] = {}
        for part in parts:
            if not part.size:
                continue
            chord = self.chords.setdefault(part.group, _Chord())
            if not chord.finished:
                chord.expires = self.clock.now() + max(part.ttl or 0.0, TOMBSTONE_TTL)
                chord.parts.setdefault(part.index, part)
                touched[part.group] = part.size
        return [due for group, size in touched.items() if (due := _due(group, size, self.chords[group].parts)) is not None]

    def all_due(self) -> list[DueChord]:
        return [
            due for group, chord in self.chords.items()
            if not chord.finished and chord.parts and (due := _due(group, next(iter(chord.parts.values())).size, chord.parts)) is not None
        ]  # fmt: skip

    def finish(self, groups: Collection[str]) -> None:
        for group in groups:
            chord = self.chords.setdefault(group, _Chord())
            chord.parts.clear()
            chord.finished, chord.expires = True, self.clock.now() + TOMBSTONE_TTL

    def cleanup(self) -> int:
        now = self.clock.now()
        old = [task_id for task_id, (_, expiry) in self.records.items() if expiry is not None and expiry <= now]
        old_groups = [group for group, (_, expiry) in self.groups.items() if expiry is not None and expiry <= now]
        for task_id in old:
            del self.records[task_id]
        for group in old_groups:
            del self.groups[group]
        self.chords = {g: c for g, c in self.chords.items() if c.expires > now}
        return len(old) + len(old_groups)


def _due(group: str, size: int, parts: Mapping[int, ChordPart]) -> DueChord | None:
    failed = next((parts[index] for index in sorted(parts) if parts[index].failed), None)
    if failed is not None:
        return DueChord(group, (failed,), failed=True)
    if sum(part.weight for part in parts.values()) < size * EXTRA:
        return None
    return DueChord(group, tuple(parts[index] for index in sorted(parts)))


class MemoryWatch(Watch):
    """Waiting for results in memory."""

    def __init__(self, store: ResultStore, ids: Collection[str]) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._ready: dict[str, ResultRecord] = {}
        self._closed = False
        self.add(ids)

    def add(self, ids: Collection[str]) -> None:
        with self._store.lock:
            for task_id in ids:
                record = self._store.get(task_id)
                if record is not None and record.state in READY_STATES:
                    self.put(record)
                else:
                    self._store.watching.setdefault(task_id, []).append(self)

    def put(self, record: ResultRecord) -> None:
        """Hand over a record that became ready."""
        with self._changed:
            self._ready[record.id] = record
            self._changed.notify_all()

    def next(self, timeout: float) -> Mapping[str, ResultRecord]:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._closed, timeout)
            ready, self._ready = self._ready, {}
        return ready

    def close(self) -> None:
        with self._store.lock:
            for task_id in [task_id for task_id, watches in self._store.watching.items() if self in watches]:
                watches = self._store.watching[task_id]
                watches.remove(self)
                if not watches:
                    del self._store.watching[task_id]
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class MemoryBackend(ResultBackend, Notifies, CountsChords, FindsDueChords, StoresGroups, Expires):
    """The results of this process; backends opened by the same name share them."""

    def __init__(self, store: ResultStore) -> None:
        self.results = store

    def connect(self) -> None:
        """Nothing has to be reached."""

    def close(self) -> None:
        with self.results.lock:
            watches = {id(w): w for found in self.results.watching.values() for w in found}
        for watch in watches.values():
            watch.close()

    def store(self, records: Sequence[ResultRecord]) -> None:
        with self.results.lock:
            self.results.put(records)

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        with self.results.lock:
            return {task_id: record for task_id in ids if (record := self.results.get(task_id)) is not None}

    def forget(self, ids: Collection[str]) -> None:
        with self.results.lock:
            for task_id in ids:
                self.results.records.pop(task_id, None)

    def watch(self, ids: Collection[str]) -> Watch:
        return MemoryWatch(self.results, ids)

    def count(self, parts: Sequence[ChordPart]) -> Sequence[DueChord]:
        with self.results.lock:
            return self.results.count(parts)

    def done(self, groups: Collection[str]) -> None:
        with self.results.lock:
            self.results.finish(groups)

    def due(self, limit: int = 100) -> Sequence[DueChord]:
        with self.results.lock:
            return self.results.all_due()[:limit]

    def store_groups(self, records: Sequence[GroupRecord]) -> None:
        with self.results.lock:
            for record in records:
                self.results.put_group(record)

    def load_group(self, group: str) -> GroupRecord | None:
        with self.results.lock:
            found = self.results.groups.get(group)
            if found is None or (found[1] is not None and found[1] <= self.results.clock.now()):
                return None
            return found[0]

    def forget_groups(self, groups: Collection[str]) -> None:
        with self.results.lock:
            for group in groups:
                self.results.groups.pop(group, None)

    def cleanup(self) -> int:
        with self.results.lock:
            return self.results.cleanup()


_stores: dict[str, ResultStore] = {}
_opening = threading.Lock()


def result_store(name: str, clock: Clock | None = None) -> ResultStore:
    """Return this process's result store of that name."""
    with _opening:
        found = _stores.get(name)
        if found is None:
            found = _stores[name] = ResultStore(clock or SystemClock())
        return found


def keep_results(name: str, store: ResultStore) -> None:
    """Let a store be found under a name, for tests; ``forget_results`` ends it."""
    with _opening:
        _stores[name] = store


def forget_results(name: str) -> None:
    """Let a store go: whoever opens the name next gets an empty one."""
    with _opening:
        _stores.pop(name, None)
