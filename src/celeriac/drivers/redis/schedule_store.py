"""Schedules beside the messages they send: a slot is marked as fired and its messages are sent in one script."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from celeriac.contracts.schedule_store import ScheduleRecord, ScheduleStore
from celeriac.drivers.redis import messages, scripts
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.server import Server
from celeriac.lib.ids import uuid
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import UnsupportedPower

_decoder = msgspec.msgpack.Decoder(ScheduleRecord)


class RedisScheduleStore(ScheduleStore):
    """The schedule of one database."""

    def __init__(self, server: Server, keys: BrokerKeys) -> None:
        if server.address.cluster:
            raise UnsupportedPower(
                "A schedule cannot be kept in a Redis Cluster, where marking a slot and sending its messages cannot be one write: use a plain Redis"
            )
        self._server = server
        self._keys = keys
        self._bindings = Bindings(server, keys)

    def entries(self) -> Mapping[str, ScheduleRecord]:
        rows = self._server.one("HGETALL", self._keys.schedule("entries"))
        return {name.decode(): _decoder.decode(body) for name, body in zip(rows[::2], rows[1::2])}

    def put(self, records: Sequence[ScheduleRecord]) -> None:
        if records:
            pairs = [value for record in records for value in (record.name, msgspec.msgpack.encode(record))]
            self._server.one("HSET", self._keys.schedule("entries"), *pairs)

    def remove(self, names: Collection[str]) -> None:
        if names:
            self._server.run([("HDEL", self._keys.schedule("entries"), *names), ("HDEL", self._keys.schedule("fired"), *names)])

    def lead(self, candidate: str, ttl: float) -> int | None:
        return int(self._server.call(scripts.LEAD, (self._keys.schedule("leader"),), (candidate, ttl))) or None

    def fire(self, token: int, record: ScheduleRecord, slot: float, outgoing: Sequence[Outgoing]) -> bool:
        keys: list[Any] = [self._keys.schedule("leader"), self._keys.schedule("fired"), self._keys.schedule("entries")]
        arguments: list[Any] = [token, record.name, repr(slot), msgspec.msgpack.encode(record)]
        for message in outgoing:
            message = messages.clamped(message, 9)
            step = self._keys.step(message.priority)
            for name in self._queues_of(message):
                queue, text = self._keys.queue(name), messages.pack(message)
                if message.due is not None and message.due > time.time():
                    keys.append(queue.delayed)
                    arguments += (repr(message.due), messages.delayed_member(text, uuid(), step))
                else:
                    keys.append(queue.lists[step])
                    arguments += ("", text)
        return bool(self._server.call(scripts.FIRE, keys, arguments))

    def _queues_of(self, message: Outgoing) -> list[str]:
        if not message.exchange:
            return [message.routing_key]
        return self._bindings.required(message.exchange, message.routing_key, message.envelope.headers)
