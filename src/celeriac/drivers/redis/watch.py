"""Waiting for results: the announcement of a result is the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from celeriac.contracts.backend import Watch
from celeriac.drivers.redis import results
from celeriac.drivers.redis.connection import Command
from celeriac.drivers.redis.hub import Answered, Hub, Subscriber
from celeriac.drivers.redis.keys import ResultKeys
from celeriac.model.errors import OperationalError
from celeriac.model.record import ResultRecord
from celeriac.model.states import READY_STATES

_PAUSE = 0.05
Load = Callable[[Collection[str]], Mapping[str, ResultRecord]]


class _Wanted(Subscriber):
    """What one watch waits for."""

    def __init__(self, hub: Hub, keys: ResultKeys) -> None:
        super().__init__(hub)
        self._hub = hub
        self._keys = keys
        self.ids: dict[bytes, str] = {}
        self.ready: dict[str, ResultRecord] = {}
        self.unread: list[str] = []
        """Results that came and do not tell their state: they have to be loaded."""

    def want(self, ids: Collection[str]) -> None:
        """Listen for more ids, and ask for what is there."""
        with self._hub.lock:
            new = {self._keys.task(task_id).encode(): task_id for task_id in ids}
            new = {channel: task_id for channel, task_id in new.items() if channel not in self.ids}
            if new and not self.closed:
                self.ids.update(new)
                self._hub.add(self, list(new), then=self._question(list(new)))

    def _question(self, channels: list[bytes]) -> tuple[Command, Answered]:
        if self._keys.cluster:
            # The keys are on many servers: they are asked when the subscription is in force.
            return ("PING",), partial(self._subscribed, channels)
        return ("MGET", *channels), partial(self._answered, channels)

    def again(self) -> Sequence[tuple[Command, Answered]]:
        return [self._question(list(self.ids))] if self.ids else []

    def _subscribed(self, channels: list[bytes], _answer: Any) -> None:
        self.unread += [self.ids[channel] for channel in channels if channel in self.ids]
        self.changed.notify()

    def _answered(self, channels: list[bytes], texts: list[Any]) -> None:
        for channel, text in zip(channels, texts):
            if text is not None:
                self.deliver(channel, text)
        if self.satisfied():
            self.changed.notify()

    def deliver(self, channel: bytes, text: bytes) -> None:
        task_id = self.ids.get(channel)
        if task_id is None:
            return
        record = results.read(task_id, text)
        if record is None:
            self.unread.append(task_id)
        elif record.state in READY_STATES:
            self.take(record)

    def take(self, record: ResultRecord) -> None:
        """A result is there: nothing more is wanted of it."""
        channel = self._keys.task(record.id).encode()
        if self.ids.pop(channel, None) is not None:
            self.ready[record.id] = record
            self._hub.drop(self, [("SUBSCRIBE", channel)])

    def satisfied(self) -> bool:
        return bool(self.ready or self.unread)


class RedisWatch(Watch):
    """One waiter."""

    def __init__(self, hub: Hub, keys: ResultKeys, load: Load, ids: Collection[str]) -> None:
        self._hub = hub
        self._load = load
        self._wanted = _Wanted(hub, keys)
        self._wanted.want(ids)

    def add(self, ids: Collection[str]) -> None:
        self._wanted.want(ids)

    def next(self, timeout: float) -> Mapping[str, ResultRecord]:
        wanted = self._wanted
        # The first look needs the server's answer, which takes a moment even if the caller does not want to wait.
        self._hub.wait_until(wanted, timeout, self._read_unread)
        with self._hub.lock:
            found, wanted.ready = wanted.ready, {}
        return {} if wanted.closed else found

    def _read_unread(self) -> bool:
        """Load what came without saying what it is; say whether something is ready."""
        wanted = self._wanted
        with self._hub.lock:
            unread, wanted.unread = wanted.unread, []
        if unread:
            try:
                loaded = self._load(unread)
            except OperationalError:
                with self._hub.lock:
                    wanted.unread += unread
                time.sleep(_PAUSE)
                return bool(wanted.ready)
            with self._hub.lock:
                for record in loaded.values():
                    if record.state in READY_STATES:
                        wanted.take(record)
        return bool(wanted.ready)

    def close(self) -> None:
        self._hub.end(self._wanted)
