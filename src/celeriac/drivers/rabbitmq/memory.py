"""What a process remembers of messages that went back to the server, which itself only says that they were delivered before.

* How often a message was really begun (a classic queue does not count, and counts too much: what was never begun as well).
* After a connection was cut: which messages are still being run here. The server delivers them again; one that comes back to this process is
  not handed out a second time, its new tag stands for the old one. It is the same after a consumer died whose task processes live: the next one is
  told what they run, and the tags in their reports say which messages are done.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

from celeriac.model.envelope import Delivery, Envelope, Tag

MOST = 10_000
FORGET = 600.0
"""Seconds for which what was in hand when a connection was cut is remembered."""

Key = str

_PART = "\x1f"


def tag_for(number: int, queue: str, envelope: Envelope) -> str:
    """Return the tag of a message: its number on this connection, and what it is known by beyond it: queue, id, which try it is, its size.

    So even what an earlier consumer handed out, of which nothing is known here any more, can be recognised by the tag with which it is settled.
    """
    headers = envelope.headers
    name = headers.get("id") or envelope.properties.get("correlation_id")
    return f"{number} {queue}{_PART}{name}{_PART}{headers.get('retries')}{_PART}{len(envelope.body)}"


def number_of(tag: Tag) -> int:
    """Return the number in a tag."""
    return int(str(tag).partition(" ")[0])


def key_of(tag: Tag) -> Key:
    """Return what a message is known by."""
    return str(tag).partition(" ")[2]


class Tries:
    """How often messages that went back from here had been begun."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, int] = OrderedDict()

    def note(self, delivery: Delivery, *, untouched: bool) -> None:
        """A message goes back."""
        key = key_of(delivery.tag)
        self._known[key] = delivery.deliveries - 1 if untouched else delivery.deliveries
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def before(self, delivery: Delivery, counted: int) -> int:
        """Return how often a redelivered message was begun before; ``counted`` is what the server says."""
        return self._known.pop(key_of(delivery.tag), counted) if self._known else counted


class Stale:
    """What was in hand when connections were cut."""

    def __init__(self) -> None:
        self._running: dict[Key, deque[int]] = {}
        self._done: dict[Key, int] = {}
        self._tags: dict[int, Key] = {}
        self._adopted: dict[int, int] = {}
        self._until = 0.0

    def __bool__(self) -> bool:
        if self._until and time.monotonic() > self._until:
            self._until = 0.0
            for known in (self._running, self._done, self._tags):
                known.clear()
        return self._until > 0 or bool(self._adopted)

    def cut(self, running: Iterable[Delivery], acked: Iterable[Key]) -> None:
        """A connection was cut while these were in hand, and these had just been acknowledged, perhaps in vain."""
        for delivery in running:
            tag = number_of(delivery.tag)
            first = next((old for old, new in self._adopted.items() if new == tag), tag)
            self._adopted.pop(first, None)
            key = key_of(delivery.tag)
            self._tags[first] = key
            self._running.setdefault(key, deque()).append(first)
        for key in acked:
            self._done[key] = self._done.get(key, 0) + 1
        self._until = time.monotonic() + FORGET

    def settled(self, tag: int, *, done: bool) -> None:
        """A message of these has come to its end here; unless it is ``done`` it is handed out when it comes again."""
        key = self._tags.pop(tag, None)
        if key is None:
            return
        waiting = self._running.get(key)
        if waiting and tag in waiting:
            waiting.remove(tag)
            if done:
                self._done[key] = self._done.get(key, 0) + 1

    def ended_unknown(self, key: Key) -> None:
        """A message that an earlier consumer handed out is done, and this one has not seen it: when it comes, it is acknowledged at once."""
        self._done.setdefault(key, 1)
        self._until = time.monotonic() + FORGET

    def awaited(self) -> dict[str, int]:
        """Return how many messages of which queues have not come back yet: those that are run here, and those that are done."""
        keys = [*(key for key, tags in self._running.items() for _ in tags), *(key for key, count in self._done.items() for _ in range(count))]
        return Counter(key.partition(_PART)[0] for key in keys)

    def knows(self, tag: int) -> bool:
        """Say whether a tag stands for something that has not been delivered again yet."""
        return tag in self._tags

    def current(self, tag: int) -> int:
        """Return the tag that an old one stands for now, for the last time."""
        return self._adopted.pop(tag, tag)

    def current_of(self, tag: int) -> int:
        """Return the tag that an old one stands for now."""
        return self._adopted.get(tag, tag)

    def meet(self, delivery: Delivery) -> bool | None:
        """A message was delivered again: True when it is done already, False when it is still being run here (and is now ours again), else None."""
        key = key_of(delivery.tag)
        waiting = self._running.get(key)
        if waiting:
            tag = waiting.popleft()
            self._tags.pop(tag, None)
            self._adopted[tag] = number_of(delivery.tag)
            return False
        done = self._done.get(key, 0)
        if done:
            self._done[key] = done - 1
            return True
        return None
