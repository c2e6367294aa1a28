"""Leases and dead letters: what becomes of messages whose owner is gone, or whom nobody wants.

Leases end by the server's clock, so the clocks of the workers' machines do not matter.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from celeriac.contracts.broker import DeadLetter
from celeriac.drivers.redis import lease_scripts, messages, scripts
from celeriac.drivers.redis.begun import names
from celeriac.drivers.redis.bindings import Bindings
from celeriac.drivers.redis.flight import Flight
from celeriac.drivers.redis.keys import BrokerKeys, QueueKeys
from celeriac.drivers.redis.lease import IDLE, Lease
from celeriac.drivers.redis.messages import age, list_of, tag_of
from celeriac.drivers.redis.server import Server
from celeriac.drivers.redis.waiting import WATCHERS, Waiting
from celeriac.lib.value import Value
from celeriac.model.envelope import Delivery

_PORTION = 500
_ALONE = 5.0
"""For so many leases one that is alone need not look after queues that nobody serves."""
_ASK = 8
"""So many of all workers ask at their renewal whether enough of them watch."""
_VISIBILITY, _INTERVAL, _MOST = 3600.0, 30.0, 100


class Foreign(Value, frozen=True):
    """When what a worker of Celery's took, and did not acknowledge, is given back."""

    visibility: float = _VISIBILITY
    """Seconds after which it counts as lost."""
    interval: float = _INTERVAL
    """Seconds from one look to the next."""
    most: int = _MOST
    """How many messages are given back at one look."""

    @staticmethod
    def of(options: Mapping[str, Any]) -> Foreign:
        """Read Celery's options."""
        visibility = float(options.get("visibility_timeout") or _VISIBILITY)
        return Foreign(
            visibility,
            float(options.get("unacked_restore_interval") or min(_INTERVAL, visibility / 10)),
            int(options.get("unacked_restore_limit") or _MOST),
        )


class Custody:
    """One owner's lease, and its share in looking after everybody's."""

    def __init__(
        self, server: Server, keys: BrokerKeys, flight: Flight, bindings: Bindings, foreign: Foreign, waiting: Waiting, *, owner: str
    ) -> None:
        self._server = server
        self._keys = keys
        self._flight = flight
        self._bindings = bindings
        self._waiting = waiting
        self._owner = owner
        self._lease: Lease = flight.lease
        self._foreign = foreign
        self._unacked_at = self._looked_at = -1e9
        self._chance = random.Random()
        self._heir = False
        """Whether something may have been taken over."""

    # leases

    def renew(self) -> None:
        """Prolong the lease, a short one, on all queues that this owner fetches from."""
        self._flight.renew()

    def tend(self) -> int:
        """Do what is due: an idle owner renews its lease less often, and whoever does looks after the others if nobody has done so lately."""
        if not self._lease.due:
            return 0
        begun, touched = time.monotonic(), self._lease.touched
        may = "2" if self._lease.long else "1" if self._lease.quiet else "0"
        idle, turn, watch = True, not self._flight.queues, False
        for group in self._server.together(sorted(self._flight.queues)):
            is_idle, crowd, wanted = self._tend(group, may)
            self._lease.crowd = crowd or self._lease.crowd
            idle, turn, watch = idle and bool(is_idle), turn or not crowd, watch or bool(wanted)
        if not self._lease.renewed(begun, touched, long=idle and may != "0"):
            self.renew()
        if watch:
            self._waiting.look(enroll=True)
        if not turn and self._lease.crowd > 1:
            # Somebody else has looked.
            return 0
        return self.recover() if turn else self._restore_unacked_if_due()

    def _tend(self, group: Sequence[str], may: str) -> Sequence[int]:
        waits = self._waiting.waits_for
        here = bool(waits) and waits[0] in group
        idle, watchers, _ = self._keys.waiters(waits if here else group)
        keys: list[bytes] = [self._keys.looked(group), idle, watchers]
        for name in group:
            queue = self._keys.queue(name)
            keys += (queue.owners, queue.held(self._owner), queue.taken(self._owner))
        lease, crowd = self._lease.seconds, self._lease.crowd
        watches = "1" if self._waiting.watches else "0"
        asks = WATCHERS if self._chance.random() * crowd < _ASK else 0
        alone = "1" if crowd <= 1 and time.monotonic() - self._looked_at < _ALONE * lease else "0"
        arguments = (self._owner, lease, lease * IDLE, may, asks if here else "", watches, alone)
        found: list[int] = self._server.call(lease_scripts.TEND, keys, arguments)
        if here and found[0]:
            self._waiting.enrolled()
        return found

    def recover(self) -> int:
        """Put back what dead owners hold, promote what is due in every queue, and restore what Celery's dead workers held."""
        count = sum(self._restore(queue, owner) for queue, owner in self._look() if owner != self._owner)
        self._looked_at = time.monotonic()
        return count + self._restore_unacked_if_due()

    def _restore_unacked_if_due(self) -> int:
        if self._server.address.cluster or time.monotonic() - self._unacked_at <= self._foreign.interval:
            return 0
        self._unacked_at = time.monotonic()
        return self._restore_unacked()

    def _look(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        crowd = unheard = 0
        waits = self._waiting.waits_for
        for group in self._server.together(self.all_queues()):
            keys: list[bytes] = [self._keys.looked(group)]
            for name in group:
                queue = self._keys.queue(name)
                keys += (queue.owners, queue.delayed, queue.delayed_texts, *queue.lists)
            unknown = "".join("0" if name not in waits else "2" if name == waits[0] else "1" for name in group)
            reply = self._server.call(lease_scripts.LOOK, keys, (len(self._keys.steps), self._owner, self._lease.seconds, unknown))
            crowd, unheard = max(crowd, reply[0]), unheard or reply[2]
            if reply[1]:
                self._lease.follow()
            found += [(group[reply[at]], reply[at + 1].decode()) for at in range(3, len(reply), 2)]
        self._lease.crowd = max(1, crowd)
        if unheard:
            self._waiting.look()
        return found

    def _restore(self, name: str, owner: str, *, untouched: bool = False) -> int:
        """Put back what an owner holds of a queue; unless ``untouched``, only if its lease has run out."""
        queue = self._keys.queue(name)
        taken, texts = self._server.run([("LRANGE", queue.taken(owner), 0, -1), ("HGETALL", queue.held(owner))])
        held = {tag.decode(): text for tag, text in zip(texts[::2], texts[1::2])}
        entries: list[tuple[str, bytes, int, bytes]] = [(tag_of(text), text, 0, text) for text in taken]
        entries += [(tag, b"", min(list_of(tag), len(queue.lists) - 1), held[tag]) for tag in sorted(held, key=age, reverse=True)]
        begun = names(self._flight.begun.read(queue, owner)) if entries else set()
        if not untouched:
            begun |= {tag_of(text) for text in taken if not self._flight.may_run_again(messages.delivery(text, "", name))}
        if begun:
            if not untouched:
                self._inherit(queue, owner, [(tag, text) for tag, text, _, _ in reversed(entries) if tag in begun])
            entries = [entry for entry in entries if entry[0] not in begun]
        count = 0
        for at in range(0, max(1, len(entries)), _PORTION):
            arguments: list[object] = [owner, "1" if untouched else "0"]
            for tag, old, to, text in entries[at : at + _PORTION]:
                arguments += (tag, old, to, text if untouched else messages.redelivered(text, owner=owner, now=time.time()))
            keys = (queue.owners, queue.held(owner), queue.taken(owner), queue.given_away(owner), queue.begun(owner), *queue.lists)
            count += self._server.call(lease_scripts.RESTORE, keys, arguments)
        return count

    def _inherit(self, queue: QueueKeys, owner: str, begun: Sequence[tuple[str, bytes]]) -> None:
        """Take over what a dead owner had begun; whoever does not fetch from its queue may not even know those tasks, and leaves it to others."""
        if queue.name not in self._flight.fetched:
            return
        for at in range(0, len(begun), _PORTION):
            portion = begun[at : at + _PORTION]
            tags = self._flight.tags([min(list_of(tag), len(queue.lists) - 1) for tag, _ in portion])
            # Known before the answer is: if that is lost, they are found all the same.
            self._heir = True
            if self._flight.begun.take_over(queue, owner, portion, tags, self._lease.seconds) is None:
                self._lease.follow()
                return

    def inherited(self) -> list[tuple[Delivery, str]]:
        """Return what was taken over since the last time."""
        if not self._heir:
            return []
        found = self._flight.inherited()
        self._heir = False
        return found

    def taken_away(self, seconds: float) -> bool:
        """Say whether within that time something of this owner's was put back because its lease had run out."""
        asked = [("GET", self._keys.queue(name).given_away(self._owner)) for name in self._flight.queues]
        (now, _), *found = self._server.run([("TIME",), *asked])
        return any(when is not None and float(when) >= int(now) - 1 - seconds for when in found)

    def _restore_unacked(self) -> int:
        """Give back what a worker of Celery's took and did not acknowledge within the visibility timeout."""
        latest = time.time() - self._foreign.visibility
        tags = self._server.one("ZRANGEBYSCORE", self._keys.unacked_index, "-inf", repr(latest), "LIMIT", 0, self._foreign.most)
        count = 0
        for tag, found in zip(tags, self._server.one("HMGET", self._keys.unacked, *tags) if tags else ()):
            if found is None:
                continue
            message, exchange, routing_key = json.loads(found)
            text = messages.redelivered(json.dumps(message).encode())
            for name in self._bindings.queues_of(exchange or "", routing_key or "") or [routing_key]:
                queue = self._keys.queue(name)
                to = queue.lists[messages.step_of(text, self._keys)]
                count += self._server.call(scripts.RESTORE_UNACKED, (self._keys.unacked, self._keys.unacked_index, to), (tag, repr(latest), text))
        return count

    def release(self) -> None:
        """Give everything back as if it had not been fetched; the owner is forgotten."""
        for name in {*self.all_queues(), *self._flight.queues}:
            self._restore(name, self._owner, untouched=True)
        self._flight.forget_arrivals()
        self._server.one("DEL", self._keys.flushed(self._owner))

    def all_queues(self) -> list[str]:
        """Return the queues that are known to any of our workers."""
        return [name.decode() for name in self._server.one("SMEMBERS", self._keys.known)]

    def anybody(self, queue: str) -> bool:
        """Say whether a worker of ours fetches from a queue."""
        seconds, _ = self._server.one("TIME")
        return bool(self._server.one("ZCOUNT", self._keys.queue(queue).owners, int(seconds), "+inf"))

    # dead letters

    def dead(self, queue: str | None, limit: int) -> list[DeadLetter]:
        """List dead letters, the newest first."""
        found: list[DeadLetter] = []
        for name in [queue] if queue is not None else self.all_queues():
            keys = self._keys.queue(name)
            rows = self._server.one("ZREVRANGE", keys.dead, 0, max(0, limit - 1), "WITHSCORES")
            tags, died = rows[::2], rows[1::2]
            if tags:
                texts, reasons = self._server.run([("HMGET", keys.dead_texts, *tags), ("HMGET", keys.dead_reasons, *tags)])
                found += [_letter(name, *row) for row in zip(tags, died, texts, reasons) if row[2] is not None]
        return sorted(found, key=lambda letter: letter.died, reverse=True)[:limit]

    def replay(self, letters: Collection[str]) -> int:
        """Put dead letters back into their queues."""
        count = 0
        for keys, tag in self._places(letters):
            text = self._server.one("HGET", keys.dead_texts, tag)
            if text is not None:
                fresh = messages.redelivered(text, 0)
                count += self._drop(keys, tag, fresh, keys.lists[messages.step_of(fresh, self._keys)])
        return count

    def bury(self, letters: Collection[str]) -> int:
        """Forget dead letters."""
        return sum(self._drop(keys, tag, b"", keys.lists[0]) for keys, tag in self._places(letters))

    def _drop(self, keys: QueueKeys, tag: str, text: bytes, to: bytes) -> int:
        return int(self._server.call(scripts.REPLAY, (keys.dead, keys.dead_texts, keys.dead_reasons, to), (tag, text)))

    def _places(self, letters: Iterable[str]) -> Sequence[tuple[QueueKeys, str]]:
        parts = [letter.partition("/") for letter in letters]
        return [(self._keys.queue(name), tag) for tag, found, name in parts if found]


def _letter(queue: str, tag: bytes, died: bytes, text: bytes, reason: bytes | None) -> DeadLetter:
    found = messages.delivery(text, "", queue)
    return DeadLetter(f"{tag.decode()}/{queue}", queue, found.envelope, (reason or b"").decode(), float(died))
