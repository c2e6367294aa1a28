"""The result store: Celery's keys and channels."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from celeriac.contracts.backend import AnnouncesChords, CountsChords, FindsDueChords, Notifies, ResultBackend, StoresGroups, Watch, Withdraws
from celeriac.contracts.broker import CountsStarts, RemembersRevoked
from celeriac.drivers.redis import results
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.chords import Chords
from celeriac.drivers.redis.connection import Command
from celeriac.drivers.redis.fleet import Fleet
from celeriac.drivers.redis.hub import hub_of
from celeriac.drivers.redis.keys import ResultKeys, result_prefix
from celeriac.drivers.redis.server import Server, enter, leave
from celeriac.drivers.redis.watch import RedisWatch
from celeriac.model.errors import OperationalError, UnsupportedPower
from celeriac.model.record import ChordPart, DueChord, GroupRecord, ResultRecord

_PORTION = 1000

T = TypeVar("T")


class RedisBackend(ResultBackend, Notifies, CountsChords, AnnouncesChords, FindsDueChords, StoresGroups, Withdraws, RemembersRevoked, CountsStarts):
    """Results in one database of a server. They expire by themselves. What workers know together stands here where the broker cannot keep it."""

    def __init__(self, server: Server, options: Mapping[str, Any] = {}) -> None:
        self.server = server
        self.keys = ResultKeys(prefix=result_prefix(options), cluster=server.address.cluster)
        self.chords = Chords(server, self.keys)
        self._fleet = Fleet(server, self.keys.own)
        self._watches: weakref.WeakSet[RedisWatch] = weakref.WeakSet()
        self._entered = False

    def connect(self) -> None:
        if not self._entered:
            self._entered = True
            enter(self.server)

    def close(self) -> None:
        for watch in list(self._watches):
            watch.close()
        if self._entered:
            self._entered = False
            leave(self.server)
            if not self.server.users:
                hub_of(self.server).close()

    def store(self, records: Sequence[ResultRecord]) -> None:
        for at in range(0, len(records), _PORTION):
            writing = Writing(self.server)
            self.add_to(writing, records[at : at + _PORTION])
            self._patiently(writing.run)

    def add_to(self, writing: Writing, records: Sequence[ResultRecord]) -> None:
        """Add results to what is going to be written."""
        if not self.server.address.cluster:
            writing.at("").store(records, self.keys)
            return
        for record in records:
            writing.at(self.keys.task(record.id)).store([record], self.keys)

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        wanted, found = list(ids), {}
        for at in range(0, len(wanted), _PORTION):
            portion = wanted[at : at + _PORTION]
            found.update(self._patiently(lambda: self._load(portion)))  # noqa: B023
        return found

    def _patiently(self, act: Callable[[], T]) -> T:
        """Do something again if that is wanted when the server did not answer in time; whatever is done here may be done twice."""
        try:
            return act()
        except OperationalError as error:
            if not (self.server.address.again and isinstance(error.__cause__, TimeoutError)):
                raise
        return act()

    def _load(self, ids: Sequence[str]) -> dict[str, ResultRecord]:
        found: dict[str, ResultRecord] = {}
        silent: dict[str, bytes] = {}
        for task_id, text in zip(ids, self.server.get_many([self.keys.task(task_id) for task_id in ids])):
            if text is None:
                continue
            record = results.read(task_id, text)
            if record is None:
                silent[task_id] = text
            else:
                found[task_id] = record
        if silent:
            said = self.server.get_many([self.keys.about(task_id) for task_id in silent])
            found.update((task_id, results.read_with(task_id, text, about)) for (task_id, text), about in zip(silent.items(), said))
        return found

    def forget(self, ids: Collection[str]) -> None:
        self._drop([key for task_id in ids for key in (self.keys.task(task_id), self.keys.about(task_id))])

    def _drop(self, names: Sequence[str]) -> None:
        if names:
            self.server.run([("DEL", name) for name in names])

    def watch(self, ids: Collection[str]) -> Watch:
        watch = RedisWatch(hub_of(self.server), self.keys, self.load, ids)
        self._watches.add(watch)
        return watch

    def count(self, parts: Sequence[ChordPart]) -> Sequence[DueChord]:
        return self.chords.count(parts)

    def done(self, groups: Collection[str]) -> None:
        self.chords.done(groups)

    def due(self, limit: int = 100) -> Sequence[DueChord]:
        return self.chords.due(limit)

    def begin(self, group: str, size: int, ttl: float | None) -> None:
        self.chords.begin(group, size, ttl)

    def store_groups(self, records: Sequence[GroupRecord]) -> None:
        commands: list[Command] = []
        for record in records:
            # What Celery writes tells its kind by how it begins; anything else is told beside it.
            plain = record.body.startswith(b'{"result":') and record.content_type == results.JSON[0]
            said = "" if plain else f"{record.content_type}\n{record.content_encoding}"
            life = () if record.ttl is None else ("PX", max(1, int(record.ttl * 1000)))
            key = self.keys.group(record.id)
            commands.append(("SET", key, record.body, *life))
            if said:
                commands.append(("SET", f"{{{key}}}:about", said, *life))
        if commands:
            self.server.run(commands)

    def load_group(self, group: str) -> GroupRecord | None:
        key = self.keys.group(group)
        body, said = self.server.run([("GET", key), ("GET", f"{{{key}}}:about")])
        if body is None:
            return None
        if body.startswith(b'{"result":') or not said:
            return GroupRecord(group, body)
        content_type, content_encoding = said.decode().split("\n", 1)
        return GroupRecord(group, body, content_type, content_encoding)

    def forget_groups(self, groups: Collection[str]) -> None:
        names = [self.keys.group(group) for group in groups]
        self._drop([*names, *(f"{{{name}}}:about" for name in names)])

    def withdraw(self) -> int:
        if self.server.address.cluster:
            raise UnsupportedPower("There is nothing to hand back in a Redis Cluster: Celery does not run on one")
        count = 0
        for pattern in self.keys.own_patterns():
            cursor = b"0"
            while True:
                cursor, keys = self.server.one("SCAN", cursor, "MATCH", pattern, "COUNT", _PORTION)
                count += self.server.one("DEL", *keys) if keys else 0
                if cursor == b"0":
                    break
        return count

    def remember_revoked(self, marks: Collection[str], *, kept: float) -> None:
        self._fleet.remember_revoked(marks, kept)

    def revoked_since(self, after: float) -> Sequence[tuple[str, float]]:
        return self._fleet.revoked_since(after)

    def start(self, key: str, *, space: float, slack: float) -> float | None:
        return self._fleet.start(key, space, slack)
