"""Schedules beside the messages they send: a slot is marked as fired and its messages are sent in one script."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from celeriac.contracts.schedule_store import PAGE, Firing, ScheduleRecord, ScheduleStore
from celeriac.drivers.redis import messages, scripts_schedule
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.errors import ServerError
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import OperationalError, UnsupportedPower

_ON, _OFF = b"+", b"-"
_progress = msgspec.json.Decoder(tuple[float | None, float | None, int])


class RedisScheduleStore(ScheduleStore):
    """One application's schedule in a database; ``space`` is the name under which it is kept."""

    def __init__(self, server: Server, keys: BrokerKeys, space: str = "") -> None:
        if server.address.cluster:
            raise UnsupportedPower(
                "A schedule cannot be kept in a Redis Cluster, where marking a slot and sending its messages cannot be one write: use a plain Redis"
            )
        self._server = server
        self._keys = keys
        self._space = space
        self._bindings = Bindings(server, keys)
        self._bodies, self._progress, self._due, self._fired, self._leader, self._stamp = (
            keys.schedule(what, space) for what in ("entries", "progress", "due", "fired", "leader", "stamp")
        )

    def scan(self) -> Iterator[ScheduleRecord]:
        cursor = b"0"
        while True:
            cursor, rows = self._server.one("HSCAN", self._bodies, cursor, "COUNT", PAGE)
            yield from self._complete(rows[::2], rows[1::2])
            if cursor == b"0":
                return

    def get(self, names: Collection[str]) -> Mapping[str, ScheduleRecord]:
        named = [name.encode() for name in names]
        return {record.name: record for record in self._load(named)}

    def _load(self, names: Sequence[bytes]) -> Iterator[ScheduleRecord]:
        return self._complete(names, self._server.one("HMGET", self._bodies, *names)) if names else iter(())

    def _complete(self, names: Sequence[bytes], bodies: Sequence[bytes | None]) -> Iterator[ScheduleRecord]:
        """Yield the records of entries whose bodies are read; those without a body are gone."""
        progress = self._server.one("HMGET", self._progress, *names) if names else ()
        for name, body, how in zip(names, bodies, progress, strict=True):
            if body is not None and how is not None:
                next_due, last_run, runs = _progress.decode(how[1:])
                yield ScheduleRecord(name.decode(), body, next_due, last_run, runs, how[:1] == _ON)

    def put(self, records: Sequence[ScheduleRecord], *, afresh: bool = False) -> None:
        self._server.one("SADD", self._keys.schedule("spaces"), self._space)
        for start in range(0, len(records), PAGE):
            arguments: list[Any] = [int(afresh)]
            for record in records[start : start + PAGE]:
                arguments += (record.name, record.body, _encoded(record), _score(record))
            self._server.call(scripts_schedule.PUT, (self._bodies, self._progress, self._due, self._fired), arguments)

    def remove(self, names: Collection[str]) -> None:
        if names:
            hashes = [("HDEL", key, *names) for key in (self._bodies, self._progress, self._fired)]
            self._server.run([("MULTI",), *hashes, ("ZREM", self._due, *names), ("EXEC",)])

    def due_before(self, moment: float, limit: int) -> Sequence[ScheduleRecord]:
        names = self._server.one("ZRANGE", self._due, "-inf", repr(moment), "BYSCORE", "LIMIT", 0, limit)
        return list(self._load(names))

    def next_due(self) -> float | None:
        first = self._server.one("ZRANGE", self._due, 0, 0, "WITHSCORES")
        return float(first[1]) if first else None

    def stamp(self) -> str:
        text = self._server.one("GET", self._stamp)
        return "" if text is None else str(text.decode())

    def set_stamp(self, text: str) -> None:
        self._server.one("SET", self._stamp, text)

    def lead(self, candidate: str, ttl: float) -> int | None:
        return int(self._server.call(scripts_schedule.LEAD, (self._leader,), (candidate, ttl))) or None

    def resign(self, candidate: str) -> None:
        self._server.call(scripts_schedule.RESIGN, (self._leader,), (candidate,))

    def leader(self) -> str | None:
        seconds, micro = self._server.one("TIME")
        name, ends = self._server.one("HMGET", self._leader, "name", "ends")
        return name.decode() if name is not None and float(ends) > int(seconds) + int(micro) / 1e6 else None

    def fire(self, token: int, firings: Sequence[Firing]) -> Sequence[bool]:
        calls = [self._call(token, firing) for firing in firings]
        script = scripts_schedule.FIRE
        try:
            done = self._server.run([("EVALSHA", script.digest, len(keys), *keys, *arguments) for keys, arguments in calls])
        except OperationalError as error:
            if not isinstance(error.__cause__, ServerError) or error.__cause__.code != "NOSCRIPT":
                raise
            done = [self._server.call(script, keys, arguments) for keys, arguments in calls]
        return [bool(one) for one in done]

    def _call(self, token: int, firing: Firing) -> tuple[list[Any], list[Any]]:
        record = firing.record
        keys: list[Any] = [self._leader, self._fired, self._bodies, self._progress, self._due]
        arguments: list[Any] = [token, record.name, repr(firing.slot), record.body, _encoded(record), _score(record)]
        for message in firing.outgoing:
            message = messages.clamped(message, 9)
            step = self._keys.step(message.priority)
            for name in self._queues_of(message):
                queue, text = self._keys.queue(name), messages.pack(message)
                if message.due is not None and message.due > time.time():
                    keys += (queue.delayed, queue.delayed_texts)
                    arguments += (repr(message.due), messages.delayed_name(message.envelope.task_id, step), text)
                else:
                    keys += (queue.lists[step], queue.lists[step])
                    arguments += ("", "", text)
        return keys, arguments

    def _queues_of(self, message: Outgoing) -> list[str]:
        if not message.exchange:
            return [message.routing_key]
        return self._bindings.required(message.exchange, message.routing_key, message.envelope.headers)


def _encoded(record: ScheduleRecord) -> bytes:
    return (_ON if record.enabled else _OFF) + msgspec.json.encode((record.next_due, record.last_run, record.runs))


def _score(record: ScheduleRecord) -> str:
    """When an entry is due, as the sorted set keeps it; "" when it never is."""
    return repr(record.next_due) if record.enabled and record.next_due is not None else ""
