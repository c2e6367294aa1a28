"""Entries at run time: ``app.schedule`` for programs, and what ``celeriac schedule`` stands on."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from celeriac.beat import reconcile, sending, stores
from celeriac.beat.declared import Declared
from celeriac.beat.definition import Definition, decoded, definition_of
from celeriac.beat.planning import first_due, in_words
from celeriac.beat.stored import CODE, RUN_TIME, Stored, body_of, stored_of
from celeriac.config.nearness import nearest
from celeriac.contracts.schedule_store import ScheduleRecord, ScheduleStore
from celeriac.lib.clock import Clock, SystemClock
from celeriac.lib.value import Value
from celeriac.model.errors import CeleriacError, ImproperlyConfigured
from celeriac.wire import json_codec


class UnknownEntry(CeleriacError, KeyError):
    """There is no entry of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


class Entry(Value, frozen=True):
    """One entry as it stands; times are epoch seconds."""

    name: str
    task: str
    schedule: str
    next_due: float | None
    last_run: float | None
    runs: int
    source: str
    """"code" or "run time"."""
    state: str
    """"on", "paused", "off" (by its definition) or "over"."""


class Schedule:
    """The entries in the store of an application. What is changed here counts within a second, for whichever scheduler leads."""

    def __init__(self, app: Any, *, store: ScheduleStore | None = None, clock: Clock | None = None) -> None:
        self._app = app
        self._given = store
        self._clock = clock or SystemClock()

    @cached_property
    def store(self) -> ScheduleStore:
        """The store, opened when first used."""
        return self._given if self._given is not None else stores.open_store(self._app)

    # -- looking

    def entries(self) -> list[Entry]:
        """Return all entries, the next one first."""
        found = [self._entry(record) for record in self.store.scan()]
        return sorted(found, key=lambda entry: (entry.next_due is None or entry.state != "on", entry.next_due or 0.0, entry.name))

    def get(self, name: str) -> Entry:
        """Return one entry; UnknownEntry."""
        return self._entry(self._record(name))

    def upcoming(self, count: int, name: str | None = None) -> list[tuple[float, str]]:
        """Return the next slots of all entries, or of one: when (epoch seconds), and the entry's name."""
        records = self.store.scan() if name is None else iter([self._record(name)])
        return heapq.nsmallest(count, (slot for record in records for slot in self._slots(record, count)))

    def difference(self) -> Sequence[reconcile.Change]:
        """Return how the store differs from the code, as the scheduler will level it when it starts next."""
        found = reconcile.compare(self._code, self.store.scan(), now=self._clock.now())
        return sorted((change for change, _ in found), key=lambda change: change.name)

    def leader(self) -> str | None:
        """Return the scheduler that leads, if one does."""
        return self.store.leader()

    # -- changing

    def add(self, name: str, task: Any, schedule: Any, *, replace: bool = False, **entry: Any) -> Entry:
        """Add an entry that no code has; keys as in ``beat_schedule``. It stays until it is removed.

        ImproperlyConfigured when it makes no sense or cannot be written, or when there is one of that name (unless ``replace``).
        """
        definition = definition_of(name, {"task": task, "schedule": schedule, **entry}, app=self._app, where=f"The entry {name!r}")
        if "schedule" not in json_codec.decode(definition.encoded()):
            raise ImproperlyConfigured(f"The entry {name!r} cannot be stored: its schedule or arguments are not plain; put it into beat_schedule")
        before = self.store.get([name]).get(name)
        if before is not None and (not replace or stored_of(before).source == CODE):
            how = "it comes from the code" if stored_of(before).source == CODE else "give replace (--replace) to put another in its place"
            raise ImproperlyConfigured(f"There is an entry {name!r} already: {how}")
        record = reconcile.new_record(definition, RUN_TIME, self._clock.now())
        if record.next_due is None:
            raise ImproperlyConfigured(f"The entry {name!r} would never run: its schedule has no slot from now on")
        self.store.put([record if before is None else record.replace(runs=before.runs)])
        return self._entry(record)

    def remove(self, name: str) -> None:
        """Remove an entry that was added at run time."""
        record = self._record(name)
        if stored_of(record).source == CODE and name in self._code:
            raise ImproperlyConfigured(f"The entry {name!r} comes from the code: remove it there, or pause it")
        self.store.remove([name])

    def pause(self, name: str) -> Entry:
        """Let an entry rest until ``resume``; also one that comes from the code."""
        record = self._record(name)
        return self._put(record.replace(body=body_of(stored_of(record).replace(paused=True)), enabled=False))

    def resume(self, name: str) -> Entry:
        """Let an entry run again, from its next slot on: what it missed meanwhile is not sent."""
        record = self._record(name)
        now, definition = self._clock.now(), self._definition(record)
        body = body_of(stored_of(record).replace(paused=False, since=now))
        return self._put(record.replace(body=body, enabled=definition.enabled, next_due=first_due(definition, now)))

    def run(self, name: str) -> Any:
        """Send an entry's task now, beside its schedule; return its result."""
        definition = self._definition(self._record(name))
        headers = {**(definition.options.get("headers") or {}), sending.PERIODIC_HEADER: name}
        options = {**definition.options, "headers": headers}
        return sending.call(self._app, definition.task, sending.evaluated(definition.args), sending.evaluated(definition.kwargs), options)

    # -- within

    @cached_property
    def _code(self) -> Declared:
        declared = Declared(self._app)
        declared.refresh()
        return declared

    def _put(self, record: ScheduleRecord) -> Entry:
        self.store.put([record])
        return self._entry(record)

    def _record(self, name: str) -> ScheduleRecord:
        found = self.store.get([name]).get(name)
        if found is None:
            names = [record.name for record in self.store.scan()]
            meant = nearest(name, names)
            hint = f": did you mean {meant!r}?" if meant else f"; there are {', '.join(sorted(names)[:20])}" if names else ", and no other one either"
            if name in self._code:
                hint = ": it is in the code, and comes into the store when a scheduler starts"
            raise UnknownEntry(f"There is no entry {name!r}{hint}")
        return found

    def _definition(self, record: ScheduleRecord) -> Definition:
        stored = stored_of(record)
        own = self._code.get(record.name) if stored.source == CODE else None
        return own if own is not None else decoded(record.name, stored.text, app=self._app)

    def _slots(self, record: ScheduleRecord, count: int) -> Iterator[tuple[float, str]]:
        if not record.enabled or record.next_due is None:
            return
        timing = self._definition(record).timing
        since = stored_of(record).since
        yield record.next_due, record.name
        for number, slot in enumerate(timing.slots_after(record.next_due, since), 2):
            if number > count or timing.one_off:
                return
            yield slot, record.name

    def _entry(self, record: ScheduleRecord) -> Entry:
        stored = stored_of(record)
        try:
            definition = self._definition(record)
        except (ImproperlyConfigured, ValueError, TypeError):
            plain: Mapping[str, Any] = json_codec.decode(stored.text)
            return _entry_of(record, stored, str(plain.get("task")), "(code that is not here)")
        return _entry_of(record, stored, definition.task, in_words(definition.timing.schedule))


def _entry_of(record: ScheduleRecord, stored: Stored, task: str, schedule: str) -> Entry:
    state = "paused" if stored.paused else "off" if not record.enabled else "over" if record.next_due is None else "on"
    return Entry(record.name, task, schedule, record.next_due, record.last_run, record.runs, stored.source, state)
