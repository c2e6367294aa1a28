"""What a batch of writes comes to, as the arguments of the one script that carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from celeriac.drivers.redis import messages, results, scripts
from celeriac.drivers.redis.keys import QueueKeys, ResultKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.envelope import Settlement, Verdict
from celeriac.model.record import ResultRecord


class Batch:
    """Keys and arguments for ``scripts.WRITE``."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.arguments: list[Any] = []

    def push(self, key: bytes, texts: Sequence[bytes]) -> None:
        """Add messages to a list, the first in front."""
        self.keys.append(key)
        self.arguments += ("P", len(texts), *texts)

    def delay(self, queue: QueueKeys, due: float, name: str, text: bytes) -> None:
        """Add a message that is not due yet."""
        self.keys += (queue.delayed, queue.delayed_texts)
        self.arguments += ("Z", repr(due), name, text)

    def store(self, records: Sequence[ResultRecord], keys: ResultKeys) -> None:
        """Store results, in order, and tell those who wait for them."""
        run: list[ResultRecord] = []
        for record in records:
            said = results.unsaid(record)
            if said or (run and run[0].ttl != record.ttl):
                self._store(run, keys)
                run = []
            if said:
                self.keys += (keys.task(record.id), keys.about(record.id))
                self.arguments += ("r", _life(record.ttl), record.body, said)
            else:
                run.append(record)
        self._store(run, keys)

    def _store(self, records: Sequence[ResultRecord], keys: ResultKeys) -> None:
        if records:
            prefix = keys.prefix
            self.keys += [prefix + record.id for record in records]
            self.arguments += ("R", len(records), _life(records[0].ttl))
            self.arguments += [record.body for record in records]

    def acknowledge(self, key: bytes, tags: Sequence[Any]) -> None:
        """Drop what an owner has in flight."""
        self.keys.append(key)
        self.arguments += ("A", len(tags), *tags)

    def mark(self, key: bytes, mark: str, tags: str) -> None:
        """Note messages that have begun, under a mark."""
        self.keys.append(key)
        self.arguments += ("B", mark, tags)

    def exchange(self, held: bytes, tag: str, text: bytes) -> None:
        """Put another text in the place of what is held."""
        self.keys.append(held)
        self.arguments += ("E", tag, text)

    def adopt(self, queue: QueueKeys, owner: str, tag: str, text: bytes) -> None:
        """Give a message that arrived while its owner waited its tag."""
        self.keys += (queue.taken(owner), queue.held(owner))
        self.arguments += ("T", tag, text)

    def acknowledge_arrival(self, queue: QueueKeys, owner: str, tag: str, text: bytes) -> None:
        """Drop a message that arrived while its owner waited."""
        self.keys += (queue.taken(owner), queue.held(owner))
        self.arguments += ("L", tag, text)

    def give_back(self, queue: QueueKeys, owner: str, settlement: Settlement, text: bytes, died: float) -> None:
        """Requeue, postpone or reject one message; ``text`` is its new text, or empty when it stays as it is."""
        tag, held = str(settlement.tag), queue.held(owner)
        if settlement.verdict is Verdict.REQUEUE:
            self.keys += (held, queue.lists[_list(tag, queue)])
            self.arguments += ("Q", tag, text)
        elif settlement.verdict is Verdict.POSTPONE:
            self.keys += (held, queue.delayed, queue.delayed_texts)
            self.arguments += ("D", tag, repr(settlement.until or 0.0), _list(tag, queue), text)
        else:
            self.keys += (held, queue.dead, queue.dead_texts, queue.dead_reasons)
            self.arguments += ("X", tag, repr(died), settlement.reason)

    def chord_sent(self, keys: Iterable[str], remember: int, due: str) -> None:
        """Mark a chord as done; ``due`` names it among those that are due, which are the last key then."""
        self.keys += keys
        self.arguments += ("C", remember, due)

    def in_database(self, db: int) -> None:
        """Go on in another database of the same server."""
        self.arguments += ("S", db)

    def once(self, key: str, number: str) -> None:
        """Do nothing when a batch of this number has been carried out; must come first."""
        self.keys.append(key)
        self.arguments += ("I", number)

    def once_for_client(self, key: str, number: str, seconds: int) -> None:
        """The same for a client, remembered for so many seconds: a server whose memory is full refuses it."""
        self.keys.append(key)
        self.arguments += ("O", number, seconds)


def _life(ttl: float | None) -> int | str:
    return "" if ttl is None else max(1, int(ttl * 1000))


def _list(tag: str, queue: QueueKeys) -> int:
    return min(messages.list_of(tag), len(queue.lists) - 1)


class Writing:
    """Writes that belong together: one batch, in a cluster one for each slot that is concerned."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._batches: dict[int, Batch] = {}

    def at(self, key: Any) -> Batch:
        """Return the batch that a key belongs to."""
        slot = self._server.slot(key)
        found = self._batches.get(slot)
        if found is None:
            found = self._batches[slot] = Batch()
        return found

    def run(self) -> None:
        """Carry it out."""
        self._server.call_many(scripts.WRITE, [(batch.keys, batch.arguments) for batch in self._batches.values()])
