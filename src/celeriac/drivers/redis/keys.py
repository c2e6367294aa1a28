"""Every key and channel, in one place. Celery's own names as they are; ours begin with ``celeriac:`` and live beside the queue they belong to.

Ours carry the name of the queue's plain list as their hash tag, so that Redis Cluster keeps all of a queue in one slot. In a cluster the lists
of lower priorities and the keys of a chord get a hash tag too: Celery does not run there, so nothing is lost by it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured

STEPS = (0, 3, 6, 9)
SEPARATOR = "\x06\x16"


class QueueKeys(Value, frozen=True):
    """The keys of one queue."""

    name: str
    lists: tuple[bytes, ...]
    """By priority step, the highest priority (the lowest number) first; messages enter at the left and leave at the right."""
    delayed: bytes
    """Sorted set: names of what is not due yet, by its due time: ``<index of its list>|<task's id>``, a number behind it if that is there already."""
    delayed_texts: bytes
    owners: bytes
    """Sorted set: which workers fetch from the queue, by the time (of the server's clock) at which their lease ends."""
    dead: bytes
    """Sorted set: ids of dead letters, by when they were set aside."""
    dead_texts: bytes
    dead_reasons: bytes
    base: str

    def held(self, owner: str) -> bytes:
        """Hash: what an owner has in flight, tag -> text."""
        return f"{self.base}:held:{owner}".encode()

    def taken(self, owner: str) -> bytes:
        """List: what arrived for an owner that was waiting; it has no tag yet."""
        return f"{self.base}:taken:{owner}".encode()

    def begun(self, owner: str) -> bytes:
        """Hash: what of it has begun and may not begin again, mark -> tags."""
        return f"{self.base}:begun:{owner}".encode()

    def sent(self, seal: str) -> str:
        """String: the number of what was sent last under a seal."""
        return f"{self.base}:sent:{seal}"

    def given_away(self, owner: str) -> bytes:
        """When (by the server's clock) what an owner held was last given to others."""
        return f"{self.base}:given:{owner}".encode()


class BrokerKeys:
    """The keys of one broker."""

    def __init__(self, options: Mapping[str, Any] = {}, *, cluster: bool = False, db: int = 0) -> None:
        """``options`` are Celery's, as far as they name keys: both sides have to have the same."""
        self._prefix = prefix = str(options.get("global_keyprefix") or "")
        steps = options.get("priority_steps") or STEPS
        self.steps = tuple(sorted({int(step) for step in steps}))
        self._separator = options.get("sep") or SEPARATOR
        self._cluster = cluster
        self._queues: dict[str, QueueKeys] = {}
        named = options.get("fanout_prefix", True)
        self._fanout = prefix + ("/{db}." if named is True else str(named or "")).replace("{db}", str(db))
        self._fanout_keys = bool(options.get("fanout_patterns", True))
        self.own = f"{prefix}celeriac:"
        """How every key of ours begins."""
        self.known = f"{self.own}queues"
        """Set: the names of all queues that we ever fetched from or delayed a message of."""
        self.unacked = prefix + str(options.get("unacked_key") or "unacked")
        """Celery's messages in flight, tag -> JSON of [message, exchange, routing key]."""
        self.unacked_index = prefix + str(options.get("unacked_index_key") or "unacked_index")
        if not self.steps or self.steps[0] != 0:
            raise ImproperlyConfigured(f"The transport option priority_steps must begin with 0, not {list(steps)!r}")

    def queue(self, name: str) -> QueueKeys:
        """Return the keys of a queue."""
        found = self._queues.get(name)
        if found is None:
            found = self._queues[name] = self._make(name)
        return found

    def _make(self, name: str) -> QueueKeys:
        plain = self._prefix + name
        tag = _hash_tag(plain)
        own = f"{self._prefix}celeriac:{{{plain if tag is None else tag}}}" + ("" if tag is None else f":{name}")
        lower = f"{{{plain}}}" if self._cluster and tag is None else plain
        lists = tuple((f"{lower}{self._separator}{step}" if step else plain).encode() for step in self.steps)
        places = [f"{own}:{what}".encode() for what in ("delayed", "delayed:texts", "owners", "dead", "dead:texts", "dead:reasons")]
        delayed, texts, owners, dead, dead_texts, reasons = places
        return QueueKeys(name, lists, delayed, texts, owners, dead, dead_texts, reasons, own)

    def queue_of(self, base: str) -> str | None:
        """Return the queue whose keys begin like this, if it is one's."""
        rest = base.removeprefix(self.own)
        for name in (rest[1:-1].removeprefix(self._prefix), rest.partition("}:")[2]):
            if name and self.queue(name).base == base:
                return name
        return None

    def step(self, priority: int) -> int:
        """Return the index of the list for a priority: that of the largest step that is not above it."""
        return max(0, bisect_right(self.steps, priority) - 1) if priority else 0

    def bindings(self, exchange: str) -> str:
        """Set: the bindings of an exchange as Celery's clients read them."""
        return f"{self._prefix}_kombu.binding.{exchange}"

    def lasting_bindings(self, exchange: str) -> str:
        """Set: those that are not swept away with stale reply queues."""
        return f"{self._prefix}_kombu.binding_permanent.{exchange}"

    def binding_details(self, exchange: str) -> str:
        """Hash: what Celery's set does not say: a binding's kind and arguments."""
        return f"{self._prefix}celeriac:bindings:{exchange}"

    def member(self, routing_key: str, pattern: str, queue: str) -> str:
        """Return a binding as Celery writes it."""
        return self._separator.join((routing_key, pattern, queue))

    def parts_of(self, member: str) -> tuple[str, str, str]:
        """Take a binding apart: routing key, pattern, queue."""
        routing_key, pattern, queue = ([*member.split(self._separator), "", ""])[:3]
        return routing_key, pattern, queue

    def channel(self, exchange: str, routing_key: str = "") -> str:
        """Return the channel of a broadcast."""
        return f"{self._fanout}{exchange}/{routing_key}" if routing_key and self._fanout_keys else f"{self._fanout}{exchange}"

    def waiters(self, queues: Sequence[str]) -> tuple[bytes, bytes, bytes]:
        """Of the workers that wait for just these queues: sorted sets of all, and of those that watch the other lists; the one that was alone."""
        base = self._group(queues)
        return f"{base}:idle".encode(), f"{base}:watchers".encode(), f"{base}:alone".encode()

    def bell(self, queues: Sequence[str], owner: str) -> str:
        """String, in the slot of ``waiters``: changed to wake one waiting worker."""
        return f"{self._group(queues)}:bell:{owner}"

    def _group(self, queues: Sequence[str]) -> str:
        digest = hashlib.sha1(repr(tuple(queues)).encode(), usedforsecurity=False).hexdigest()
        return f"{self.queue(queues[0]).base}:group:{digest[:12]}"

    def flushed(self, owner: str) -> str:
        """String: the number of the last flush of an owner."""
        return f"{self._prefix}celeriac:flushed:{owner}"

    def looked(self, queues: Sequence[str]) -> bytes:
        """String, in the slot of these queues: how many owners there were at the last look after the dead; it expires when the next one is due."""
        return f"{self.queue(min(queues)).base}:looked".encode() if self._cluster else f"{self.own}looked".encode()

    def schedule(self, what: str, space: str = "") -> str:
        """The schedules' keys, all in one slot; ``space`` is an application's name."""
        return f"{self._prefix}celeriac:{{schedule}}:{what}" + (f":{space}" if space else "")


class ResultKeys:
    """The keys of one result store."""

    def __init__(self, *, prefix: str = "", cluster: bool = False) -> None:
        self.prefix = f"{prefix}celery-task-meta-"
        self.own = f"{prefix}celeriac:"
        """How the keys begin that belong to no result."""
        self._group = f"{prefix}celery-taskset-meta-"
        self.due = f"{prefix}celeriac:chords:due"
        """Sorted set: chords of which all is done but the last step, by when they fell due."""
        self.cluster = cluster

    def task(self, task_id: str) -> str:
        """String, and channel: a task-meta."""
        return self.prefix + task_id

    def about(self, task_id: str) -> str:
        """String, in the slot of ``task``: state and content type of a task-meta that does not tell them itself."""
        return f"{{{self.prefix}{task_id}}}:about"

    def group(self, group: str) -> str:
        """String: a saved group."""
        return self._group + (f"{{{group}}}" if self.cluster else group)

    def chord(self, group: str) -> tuple[str, ...]:
        """Parts by index, change of count, size, members seen, mark of completion (all five Celery's), and our details of the parts."""
        base = self.group(group)
        return (f"{base}.j", f"{base}.t", f"{base}.s", f"{base}.d", f"{base}.c", f"{base}.celeriac")


    def own_patterns(self) -> tuple[str, ...]:
        """Patterns of the keys that only we read."""
        task, group = glob(self.prefix), glob(self._group)
        fleet = (f"{glob(self.own)}{{revoked}}:*", f"{glob(self.own)}rate:*")
        return (f"{{{task}*}}:about", f"{group}*:about", f"{group}*.celeriac", *fleet, glob(self.due))


def glob(text: str) -> str:
    """Return a pattern for keys that stands for a text as it is."""
    return re.sub(r"([\\*?\[\]^-])", r"\\\1", text)


def result_prefix(options: Mapping[str, Any]) -> str:
    """Return the prefix of a result store's keys: Celery puts ``_`` behind one that does not end in a separator."""
    prefix = str(options.get("global_keyprefix") or "")
    return prefix if not prefix or prefix[-1] in ":_-." else f"{prefix}_"


def _hash_tag(key: str) -> str | None:
    """Return the part of a key that Redis Cluster places it by, if it is not the whole.

    Source: the Redis Cluster specification, "Hash tags".
    """
    begin = key.find("{")
    end = key.find("}", begin + 1)
    return key[begin + 1 : end] if begin >= 0 and end > begin + 1 else None
