"""Schedules in the memory of this process, beside the messages they send."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence

from celeriac.contracts.schedule_store import Firing, ScheduleRecord, ScheduleStore
from celeriac.drivers.memory.store import MessageStore


class Schedule:
    """What one application's schedule comes to; guarded by the lock of its message store."""

    def __init__(self) -> None:
        self.records: dict[str, ScheduleRecord] = {}
        self.fired: dict[str, float] = {}
        self.line: list[tuple[float, str]] = []
        """A heap of when entries are due; what no longer agrees with ``records`` does not count."""
        self.stamp = ""
        self.leader = ("", 0, 0.0)
        """Who leads, the fencing token, and until when (monotonic seconds)."""

    def put(self, record: ScheduleRecord) -> None:
        before = self.records.get(record.name)
        self.records[record.name] = record
        due = _due(record)
        if due is not None and (before is None or _due(before) != due):
            heapq.heappush(self.line, (due, record.name))

    def first(self, count: int, moment: float) -> list[ScheduleRecord]:
        """Return up to ``count`` entries that are due until a moment, the earliest first."""
        taken: dict[str, float] = {}
        while self.line and len(taken) < count and self.line[0][0] <= moment:
            due, name = heapq.heappop(self.line)
            record = self.records.get(name)
            if record is not None and _due(record) == due:
                taken[name] = due
        for name, due in taken.items():
            heapq.heappush(self.line, (due, name))
        return [self.records[name] for name in taken]


class MemoryScheduleStore(ScheduleStore):
    """The schedule of one application in one memory."""

    def __init__(self, store: MessageStore, schedule: Schedule) -> None:
        self._store = store
        self._schedule = schedule

    def scan(self) -> Iterator[ScheduleRecord]:
        with self._store.lock:
            return iter(list(self._schedule.records.values()))

    def get(self, names: Collection[str]) -> Mapping[str, ScheduleRecord]:
        with self._store.lock:
            return {name: self._schedule.records[name] for name in names if name in self._schedule.records}

    def put(self, records: Sequence[ScheduleRecord], *, afresh: bool = False) -> None:
        with self._store.lock:
            for record in records:
                self._schedule.put(record)
                if afresh:
                    self._schedule.fired.pop(record.name, None)

    def remove(self, names: Collection[str]) -> None:
        with self._store.lock:
            for name in names:
                self._schedule.records.pop(name, None)
                self._schedule.fired.pop(name, None)

    def due_before(self, moment: float, limit: int) -> Sequence[ScheduleRecord]:
        with self._store.lock:
            return self._schedule.first(limit, moment)

    def next_due(self) -> float | None:
        with self._store.lock:
            found = self._schedule.first(1, float("inf"))
            return found[0].next_due if found else None

    def stamp(self) -> str:
        return self._schedule.stamp

    def set_stamp(self, text: str) -> None:
        self._schedule.stamp = text

    def lead(self, candidate: str, ttl: float) -> int | None:
        with self._store.lock:
            now = self._store.clock.monotonic()
            name, token, ends = self._schedule.leader
            if name != candidate:
                if ends > now:
                    return None
                token += 1
            self._schedule.leader = (candidate, token, now + ttl)
            return token

    def resign(self, candidate: str) -> None:
        with self._store.lock:
            name, token, _ = self._schedule.leader
            if name == candidate:
                self._schedule.leader = ("", token, 0.0)

    def leader(self) -> str | None:
        name, _, ends = self._schedule.leader
        return name if ends > self._store.clock.monotonic() else None

    def fire(self, token: int, firings: Sequence[Firing]) -> Sequence[bool]:
        with self._store.lock:
            return [self._fire(token, firing) for firing in firings]

    def _fire(self, token: int, firing: Firing) -> bool:
        schedule, record = self._schedule, firing.record
        stored = schedule.records.get(record.name)
        if token != schedule.leader[1] or schedule.fired.get(record.name, float("-inf")) >= firing.slot:
            return False
        if stored is None or not stored.enabled or stored.body != record.body:
            return False
        routed = self._store.route(firing.outgoing)
        schedule.fired[record.name] = firing.slot
        schedule.put(record)
        self._store.append(routed)
        return True


def _due(record: ScheduleRecord) -> float | None:
    return record.next_due if record.enabled else None
