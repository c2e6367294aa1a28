"""Counting the parts of chords, under Celery's keys and by its marks, so that workers of both kinds finish parts of one chord."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.chord_scripts import COUNT, OURS, PORTION
from celeriac.drivers.redis.keys import ResultKeys
from celeriac.drivers.redis.server import Server
from celeriac.lib.signpost import reach
from celeriac.model.errors import DecodeError
from celeriac.model.record import ChordPart, DueChord
from celeriac.model.states import EXCEPTION_STATES
from celeriac.wire.results import unpacked

REMEMBERED = 86_400
"""Seconds for which a finished chord is remembered at most: a late copy of a part does not start it again. Else as long as its parts would be."""
NOT_DETAILS = (b"way", b"failed")

_decoder = msgspec.msgpack.Decoder(ChordPart)
_encode = msgspec.msgpack.Encoder().encode


class Chords:
    """The chords of one result store."""

    def __init__(self, server: Server, keys: ResultKeys) -> None:
        self._server = server
        self._keys = keys
        self._cluster = server.address.cluster

    def count(self, parts: Sequence[ChordPart]) -> list[DueChord]:
        """Count parts, each once; return the chords that are due and not done."""
        groups: dict[str, dict[str, ChordPart]] = {}
        for part in parts:
            groups.setdefault(part.group, {})[f"{part.task_id}:{part.index}"] = part
        found = []
        for group, members in groups.items():
            due = None
            named = list(members.items())
            for at in range(0, len(named), PORTION):
                due = self._count(group, named[at : at + PORTION])
            if due is not None:
                found.append(due)
        return found

    def due(self, limit: int) -> list[DueChord]:
        """Return chords that are due and not done."""
        found, over = [], []
        for name in self._server.one("ZRANGE", self._keys.due, 0, limit - 1):
            group = name.decode()
            due = self._count(group, [])
            if due is None:
                over.append(name)
            else:
                found.append(due)
        if over:
            self._server.one("ZREM", self._keys.due, *over)
        return found

    def _count(self, group: str, named: Sequence[tuple[str, ChordPart]]) -> DueChord | None:
        keys = self._keys.chord(group)
        reply = self._server.call(COUNT, keys if self._cluster else (*keys, self._keys.due), _arguments(group, named))
        if not reply:
            return None
        if self._cluster:
            # Where no script reaches both; this one time in a thousand that the worker dies in between is the only one nobody finds.
            self._server.one("ZADD", self._keys.due, 0, group)
        reach("chord.due")
        failed, way, details, bodies, members = reply
        known = {member: _decoder.decode(text).replace(chord=way) for member, text in _pairs(details) if member not in NOT_DETAILS}
        return DueChord(group, _in_order(group, known, _by_index(bodies), members), failed=failed == b"1")

    def begin(self, group: str, size: int, ttl: float | None) -> None:
        """Say how large a chord is: workers of Celery's find it nowhere else."""
        life = () if ttl is None else ("EX", max(1, int(ttl)))
        self._server.one("SET", self._keys.chord(group)[2], size, *life)

    def done(self, groups: Collection[str]) -> None:
        """Mark chords as done."""
        writing = Writing(self._server)
        for group in groups:
            self.add_done(writing, group)
        writing.run()

    def add_done(self, writing: Writing, group: str) -> None:
        """Mark a chord as done with what is going to be written."""
        keys = self._keys.chord(group)
        if self._cluster:
            writing.at(keys[0]).chord_sent(keys, REMEMBERED, "")
        else:
            writing.at(keys[0]).chord_sent((*keys, self._keys.due), REMEMBERED, group)


def _arguments(group: str, named: Sequence[tuple[str, ChordPart]]) -> list[Any]:
    parts = [part for _, part in named]
    ttls = [part.ttl for part in parts]
    life = "" if None in ttls or not ttls else max(1, int(max(ttl or 0 for ttl in ttls)))
    bad = next((member for member, part in named if part.failed), "")
    arguments: list[Any] = [
        group, OURS, max((part.size for part in parts), default=0), life, next((part.chord for part in parts if part.chord), b""), bad, len(parts),
    ]  # fmt: skip
    arguments += [member for member, _ in named]
    for part in parts:
        arguments += (part.index, part.body, _encode(part.replace(body=b"", chord=b"")), part.more)
    return arguments


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2])


def _by_index(bodies: Sequence[bytes]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for body, index in _pairs(bodies):
        found.setdefault(int(float(index)), []).append(body)
    return found


def _in_order(group: str, known: dict[bytes, ChordPart], bodies: dict[int, list[bytes]], members: Sequence[bytes]) -> tuple[ChordPart, ...]:
    """Return the parts: those that ours counted, of which everything is known, and those that Celery's did.

    In a header whose elements end in groups Celery gives several parts the same index: their texts, which name the task, tell which is which.
    """
    found: list[ChordPart] = []
    size = next((part.size for part in known.values()), 0)
    for member in {*known, *members}:
        task_id, _, place = member.decode().rpartition(":")
        index = int(place) if place.lstrip("-").isdigit() else 0
        candidates = bodies.get(index) or [b""]
        body = candidates[0] if len(candidates) == 1 else next((text for text in candidates if task_id.encode() in text), candidates[0])
        part = known.get(member)
        found.append(_foreign(group, index, task_id, body, size) if part is None else part.replace(body=body))
    return tuple(sorted(found, key=lambda part: (part.index, part.task_id)))


def _foreign(group: str, index: int, task_id: str, body: bytes, size: int) -> ChordPart:
    """Return a part that a worker of Celery's finished; only a JSON one tells its state."""
    try:
        body = unpacked(body)
        _, task_id, state, _ = json.loads(body)
    except (ValueError, TypeError, DecodeError):
        state = "SUCCESS"
    return ChordPart(group, index, task_id, state, size, body, failed=state in EXCEPTION_STATES)
