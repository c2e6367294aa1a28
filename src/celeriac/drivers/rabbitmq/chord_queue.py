"""What the queue of a chord holds, as messages and as what they come to. Pure: nothing here speaks to a server.

Each chord has a queue of its own: one message for each finished part, the number of parts where they do not bring it, and marks that say how far
its end has come.

* ``sent``: what finishes the chord has been sent.
* ``done``: what follows from that has been sent too. Then the queue is deleted, or this is all that it holds until it expires.

A mark is written in one transaction with the messages that it tells of, and transient: should the server die before they are safe on its disk, the
mark is gone as well, and the parts, which are there until the end, are counted again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256

import msgspec

from celeriac.lib.ids import made_at
from celeriac.lib.value import Value
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.record import EXTRA, ChordPart, DueChord

PREFIX = "celeriac.chord."
LOOKS = "celeriac.chords."
"""Before the name of an application: the queue of its looks."""
KIND = "celeriac-chord"
SIZE, PART, SENT, DONE, LOOK = "size", "part", "sent", "done", "look"
_LONGEST_NAME = 200
_TYPE, _ENCODING = "application/x-msgpack", "binary"

_encode = msgspec.msgpack.Encoder().encode
_decode_part = msgspec.msgpack.Decoder(ChordPart).decode


class Look(Value, frozen=True):
    """Somebody ought to look whether a chord is complete: parts were written. ``size`` 0: they do not know it."""

    group: str
    size: int
    failed: bool = False


_decode_look = msgspec.msgpack.Decoder(Look).decode


def queue_of(group: str) -> str:
    """Return the name of a chord's queue."""
    name = group if len(group.encode()) <= _LONGEST_NAME else sha256(group.encode()).hexdigest()
    return PREFIX + name


def announced(group: str, now: float, expires: float) -> bool:
    """Say whether a chord's queue was made before its parts were sent and cannot have expired since: where it is missing then, the chord is over.

    ``now`` in epoch seconds, ``expires`` in seconds. Ids of the user's own do not tell when they were made.
    """
    made = made_at(group)
    return made is not None and now - made < expires


def size_message(group: str, size: int) -> Outgoing:
    """Say how many parts a chord has. It goes to the head of a queue with priorities."""
    return _message(SIZE, queue_of(group), _encode(size), priority=1)


def part_message(part: ChordPart, *, tell: bool) -> Outgoing:
    """Write a part; the body of its chord only if ``tell``, which is enough once a process."""
    return _message(PART, queue_of(part.group), _encode(part if tell else part.replace(chord=b"")))


def mark(kind: str, group: str, *, durable: bool) -> Outgoing:
    """Write a mark."""
    return _message(kind, queue_of(group), _encode(group), durable=durable)


def look_message(look: Look, queue: str) -> Outgoing:
    """Ask whoever serves the queue of looks."""
    return _message(LOOK, queue, _encode(look))


def read_look(envelope: Envelope) -> Look | None:
    """Return what a message asks for, None for one that is no look."""
    try:
        return _decode_look(envelope.body) if envelope.headers.get(KIND) == LOOK else None
    except msgspec.MsgspecError:
        return None


def looks_for(parts: Iterable[ChordPart]) -> list[Look]:
    """Return a look for each chord of which there are parts."""
    found: dict[str, Look] = {}
    for part in parts:
        known = found.get(part.group)
        failed = part.failed or (known is not None and known.failed)
        found[part.group] = Look(part.group, max(part.size, 0 if known is None else known.size), failed)
    return list(found.values())


def _message(kind: str, queue: str, body: bytes, *, durable: bool = True, priority: int = 0) -> Outgoing:
    properties = {} if durable else {"delivery_mode": 1}
    return Outgoing(Envelope({KIND: kind}, body, _TYPE, _ENCODING, properties), queue, priority=priority)


class Contents:
    """What was read from a chord's queue. What is no message of ours is passed over."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.size = 0
        self.parts: dict[int, ChordPart] = {}
        """By index; the first that was written counts."""
        self.count = 0
        """Messages that were read."""
        self._order: list[int] = []
        self._marks: set[str] = set()
        self._way = b""

    def add(self, envelope: Envelope) -> None:
        """Take in a message."""
        self.count += 1
        kind = envelope.headers.get(KIND)
        try:
            if kind == PART:
                part = _decode_part(envelope.body)
                self.parts.setdefault(part.index, part)
                self._order.append(part.index)
                self._way = self._way or part.chord
            elif kind == SIZE:
                self.size = msgspec.msgpack.decode(envelope.body, type=int)
            elif kind in (SENT, DONE):
                self._marks.add(kind)
        except msgspec.MsgspecError:
            return

    @property
    def over(self) -> bool:
        """Whether what finishes the chord has been sent."""
        return bool(self._marks)

    @property
    def done(self) -> bool:
        """Whether all that follows from the chord has been sent."""
        return DONE in self._marks

    def due(self, size: int = 0) -> DueChord | None:
        """Return the chord if it is complete or has failed; ``size`` as its parts say, 0 if they do not know."""
        failed = next((self.parts[index] for index in sorted(self.parts) if self.parts[index].failed), None)
        if failed is not None:
            return DueChord(self.group, (failed.replace(chord=failed.chord or self._way),), failed=True)
        wanted = self._wanted(size)
        if not wanted or sum(part.weight for part in self.parts.values()) < wanted * EXTRA:
            return None
        return DueChord(self.group, tuple(self.parts[index] for index in sorted(self.parts)))

    def falls_to(self, indexes: Collection[int], size: int = 0) -> bool:
        """Say whether the chord is due by one of these parts: it was the last that was missing, or has come when none was missing any more."""
        wanted, counted, weight = self._wanted(size) * EXTRA, set[int](), 0
        for index in self._order:
            part = self.parts[index]
            weight += 0 if index in counted else part.weight
            counted.add(index)
            if index in indexes and (any(self.parts[known].failed for known in counted) or weight >= wanted > 0):
                return True
        return False

    def missing(self, size: int = 0) -> int | None:
        """Return how many messages have to come at least before the chord is complete, None when nobody knows how large it is."""
        wanted = self._wanted(size)
        if not wanted:
            return None
        first = sum(index < EXTRA for index in self.parts)
        owed = sum(part.more for part in self.parts.values()) - (len(self.parts) - first)
        return max(1, wanted - first + max(0, owed))

    def _wanted(self, size: int) -> int:
        return self.size or size or max((part.size for part in self.parts.values()), default=0)


def groups_of(returned: Sequence[Outgoing]) -> set[str]:
    """Return the names of the chords' queues to which these messages could not go."""
    return {message.routing_key for message in returned if message.routing_key.startswith(PREFIX)}
