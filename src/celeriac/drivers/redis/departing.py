"""Handing a database back to real Celery: nothing of ours is left in it, and no message is lost on the way.

Each message moves in a script of its own kind: it is in the one place or in the other, so what was cut short is simply begun again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from celeriac.contracts.broker import DeadTo, Remains
from celeriac.drivers.redis import messages, scripts
from celeriac.drivers.redis.custody import Custody
from celeriac.drivers.redis.keys import BrokerKeys, QueueKeys, glob
from celeriac.drivers.redis.messages import age, list_of, tag_of
from celeriac.drivers.redis.outbound import ANYBODY_TTL
from celeriac.drivers.redis.server import Server
from celeriac.model.errors import OperationalError, UnsupportedPower
from celeriac.wire.times import format_time

_PORTION = 500
_OF_A_QUEUE = re.compile(r"(.*\}(?::.*)?):(?:delayed|delayed:texts|dead|dead:texts|dead:reasons|held:[^}]*|taken:[^}]*|begun:[^}]*)", re.DOTALL)
_SENT = re.compile(rb"\}(?::.*)?:sent:[0-9a-f]+$", re.DOTALL)
"""By these our clients, which may go on sending, know what they have sent. They vanish by themselves."""

T = TypeVar("T")
Move = tuple[bytes, int, bytes]
"""What names a message where it is, its list, its new text."""


class Departing:
    """What one broker does to leave."""

    def __init__(self, server: Server, keys: BrokerKeys, custody: Custody) -> None:
        if server.address.cluster:
            raise UnsupportedPower("There is nothing to hand back in a Redis Cluster: Celery does not run on one")
        self._server = server
        self._keys = keys
        self._custody = custody

    def present(self) -> list[str]:
        """Return who of us is alive."""
        seconds, micro = self._server.one("TIME")
        now = f"({int(seconds)}.{int(micro):06}"
        found: set[str] = set()
        for name in self._custody.all_queues():
            found.update(owner.decode() for owner in self._server.one("ZRANGEBYSCORE", self._keys.queue(name).owners, now, "+inf"))
        for space in self._spaces():
            leader, ends = self._server.one("HMGET", self._keys.schedule("leader", space), "name", "ends")
            if leader is not None and float(ends) > float(now[1:]):
                found.add(f"{leader.decode()} (scheduler)")
        return sorted(found)

    def _spaces(self) -> list[str]:
        return [space.decode() for space in self._server.one("SMEMBERS", self._keys.schedule("spaces"))]

    def remains(self) -> Remains:
        """Count what is there."""
        held = delayed = dead = unreadable = 0
        keys = self._ours()
        for queue in self._queues(keys):
            held += sum(self._server.one("HLEN" if kind == "H" else "LLEN", key) for kind, key in _hands(queue, keys))
            delayed += self._server.one("ZCARD", queue.delayed)
            letters = self._server.one("HVALS", queue.dead_texts)
            dead += len(letters)
            unreadable += sum(not messages.readable(text) for text in letters)
        schedule = sum(self._server.one("HLEN", self._keys.schedule("entries", space)) for space in self._spaces())
        return Remains(held=held, delayed=delayed, dead=dead, unreadable=unreadable, schedule=schedule, keys=len(keys))

    def depart(self, dead: DeadTo) -> Remains:
        """Move the messages, then remove what is left."""
        self._must_be_alone()
        was = self.remains()
        self._end_blocked()
        self._move(dead)
        # A client that has just seen a worker of ours alive may still add to a delayed set.
        time.sleep(ANYBODY_TTL * 1.5)
        self._must_be_alone()
        self._move(dead)
        keys = self._ours()
        carriers = {key for queue in self._queues(keys) for key in _carriers(queue, keys)}
        for gone in _portions(key for key in keys if key not in carriers):
            self._server.one("DEL", *gone)
        if [key for key in self._ours() if not _SENT.search(key)]:
            raise OperationalError(f"Something of ours came into Redis at {self._server.where} while we left: do it again")
        return was

    def _must_be_alone(self) -> None:
        living = self.present()
        if living:
            names = ", ".join(living)
            raise OperationalError(f"Nothing is handed back while these are alive: {names}. Stop them first (a signal TERM ends a worker warmly)")

    def _end_blocked(self) -> None:
        """A worker that died without a word may have left a command behind that still takes a message."""
        for line in self._server.one("CLIENT", "LIST").decode("utf-8", "replace").splitlines():
            fields = dict(field.partition("=")[::2] for field in line.split())
            if fields.get("cmd") == "blmove" and "t" in fields.get("flags", "") and fields.get("db") == str(self._server.address.db):
                self._server.one("CLIENT", "UNBLOCK", fields["id"])

    def _move(self, dead: DeadTo) -> None:
        keys = self._ours()
        for queue in self._queues(keys):
            for kind, key in _hands(queue, keys):
                self._drop_begun(queue, kind, key)
                self._carry(queue, kind, key, self._held(kind, key))
            self._carry_delayed(queue)
            self._carry_dead(queue, dead)

    def _drop_begun(self, queue: QueueKeys, kind: str, key: bytes) -> None:
        """What has begun may not run again, wherever it goes: Celery would forget it, too."""
        owner = key.removeprefix(queue.held("") if kind == "H" else queue.taken("")).decode()
        rows = self._server.one("HGETALL", queue.begun(owner))
        tags = {tag for mark in rows[1::2] for tag in mark.decode().split()}
        if tags and kind == "H":
            self._server.one("HDEL", key, *tags)
        elif tags:
            for text in self._server.one("LRANGE", key, 0, -1):
                if tag_of(text) in tags:
                    self._server.one("LREM", key, 1, text)

    def _held(self, kind: str, key: bytes) -> Iterator[Move]:
        """Yield what an owner holds, the youngest first: each goes to the head of its list."""
        if kind == "L":
            for text in self._server.one("LRANGE", key, 0, -1):
                yield text, 0, messages.foreign(text)
            return
        rows = self._server.one("HGETALL", key)
        for tag, text in sorted(zip(rows[::2], rows[1::2]), key=lambda row: age(row[0].decode()), reverse=True):
            yield tag, list_of(tag.decode()), messages.foreign(text, redelivered=True)

    def _carry_delayed(self, queue: QueueKeys) -> None:
        while rows := self._server.one("ZRANGE", queue.delayed, 0, _PORTION - 1, "WITHSCORES"):
            moves = []
            for name, due, text in zip(rows[::2], rows[1::2], self._server.one("HMGET", queue.delayed_texts, *rows[::2])):
                eta = format_time(float(due)) if float(due) > time.time() else None
                moves.append((name, messages.taken_apart(name)[0], messages.foreign(text or b"", eta=eta)))
            self._carry(queue, "Z", queue.delayed, moves)

    def _carry_dead(self, queue: QueueKeys, dead: DeadTo) -> None:
        aside = self._keys.queue(f"{queue.name}.dead").lists[0]
        while tags := self._server.one("ZRANGE", queue.dead, 0, _PORTION - 1):
            for tag, text in zip(tags, self._server.one("HMGET", queue.dead_texts, *tags)):
                fresh = b"" if dead is DeadTo.DROP or text is None else messages.foreign(text, redelivered=False)
                back = dead is DeadTo.QUEUES and fresh and messages.readable(fresh)
                to = queue.lists[messages.step_of(fresh, self._keys)] if back else aside
                self._server.call(scripts.REPLAY, (queue.dead, queue.dead_texts, queue.dead_reasons, to), (tag, fresh))

    def _carry(self, queue: QueueKeys, kind: str, source: bytes, moves: Iterable[Move]) -> None:
        for portion in _portions(moves):
            arguments: list[object] = [kind]
            for name, to, text in portion:
                arguments += (name, min(to, len(queue.lists) - 1), text)
            texts = (queue.delayed_texts,) if kind == "Z" else ()
            self._server.call(scripts.CARRY, (source, *texts, *queue.lists), arguments)

    # keys

    def _queues(self, keys: Iterable[bytes]) -> list[QueueKeys]:
        """Return the queues that we know or left something in."""
        found = set(self._custody.all_queues())
        for key in keys:
            match = _OF_A_QUEUE.fullmatch(key.decode("utf-8", "surrogateescape"))
            name = self._keys.queue_of(match[1]) if match else None
            if name is not None:
                found.add(name)
        return [self._keys.queue(name) for name in sorted(found)]

    def _ours(self) -> list[bytes]:
        """Return all our keys."""
        pattern = glob(self._keys.own) + "*"
        cursor, found = b"0", set[bytes]()
        while True:
            cursor, keys = self._server.one("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            found.update(keys)
            if cursor == b"0":
                return sorted(found)


def _hands(queue: QueueKeys, keys: Iterable[bytes]) -> list[tuple[str, bytes]]:
    """Return where owners hold messages of a queue: kind (hash or list) and key."""
    held, taken = queue.held(""), queue.taken("")
    return [("H" if key.startswith(held) else "L", key) for key in keys if key.startswith((held, taken))]


def _carriers(queue: QueueKeys, keys: Iterable[bytes]) -> list[bytes]:
    """Return the keys that hold messages of a queue: they vanish when the last one has been moved, and are never deleted."""
    return [queue.delayed, queue.delayed_texts, queue.dead, queue.dead_texts, queue.dead_reasons, *(key for _, key in _hands(queue, keys))]


def _portions(values: Iterable[T]) -> Iterator[Sequence[T]]:
    rest = iter(values)
    while portion := list(islice(rest, _PORTION)):
        yield portion
