"""Counting the parts of chords, under Celery's keys and by its marks, so that workers of both kinds finish parts of one chord."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from celeriac.drivers.redis import scripts
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.keys import ResultKeys
from celeriac.drivers.redis.server import Server
from celeriac.model.errors import DecodeError
from celeriac.model.record import ChordPart, DueChord
from celeriac.model.states import EXCEPTION_STATES
from celeriac.wire.results import unpacked

REMEMBERED = 86_400
"""Seconds for which a finished chord is remembered, so that a late copy of a part does not start it again."""

_decoder = msgspec.msgpack.Decoder(ChordPart)


class Chords:
    """The chords of one result store."""

    def __init__(self, server: Server, keys: ResultKeys) -> None:
        self._server = server
        self._keys = keys

    def count(self, parts: Sequence[ChordPart]) -> list[DueChord]:
        """Count parts, each once; return the chords that are due and not done."""
        groups: dict[str, list[ChordPart]] = {}
        for part in parts:
            groups.setdefault(part.group, []).append(part)
        found = [self._count(group, members) for group, members in groups.items()]
        return [due for due in found if due is not None]

    def _count(self, group: str, parts: list[ChordPart]) -> DueChord | None:
        ttls = [part.ttl for part in parts]
        arguments: list[Any] = [max(part.size for part in parts), "" if None in ttls else max(1, int(max(ttl or 0 for ttl in ttls)))]
        for part in parts:
            seen = f"{part.task_id}:{part.index}"
            arguments += (part.index, seen, part.body, "1" if part.failed else "0", msgspec.msgpack.encode(part), part.more)
        reply = self._server.call(scripts.COUNT, self._keys.chord(group), arguments)
        if not reply:
            return None
        ours = {int(index): _decoder.decode(text) for index, text in zip(reply[1][::2], reply[1][1::2]) if index != b"failed"}
        if reply[0] == b"1":
            return DueChord(group, tuple(ours.values()), failed=True)
        for body, index in zip(reply[2][::2], reply[2][1::2]):
            ours.setdefault(int(float(index)), _foreign(group, int(float(index)), body, parts[0].size))
        return DueChord(group, tuple(ours[index] for index in sorted(ours)))

    def begin(self, group: str, size: int, ttl: float | None) -> None:
        """Say how large a chord is: workers of Celery's find it nowhere else."""
        _, _, told, _, mark, _ = self._keys.chord(group)
        life = () if ttl is None else ("EX", max(1, int(ttl)))
        self._server.run([("DEL", mark), ("SET", told, size, *life)])

    def done(self, groups: Collection[str]) -> None:
        """Mark chords as done."""
        writing = Writing(self._server)
        for group in groups:
            self.add_done(writing, group)
        writing.run()

    def add_done(self, writing: Writing, group: str) -> None:
        """Mark a chord as done with what is going to be written."""
        keys = self._keys.chord(group)
        writing.at(keys[0]).chord_sent(keys, REMEMBERED)


def _foreign(group: str, index: int, body: bytes, size: int) -> ChordPart:
    """Return a part that a worker of Celery's finished; only a JSON one tells its task and state."""
    try:
        body = unpacked(body)
        _, task_id, state, _ = json.loads(body)
    except (ValueError, TypeError, DecodeError):
        task_id, state = "", "SUCCESS"
    return ChordPart(group, index, task_id, state, size, body, failed=state in EXCEPTION_STATES)
