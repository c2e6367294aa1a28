"""Everything that follows from a batch of tasks, in one script."""

from __future__ import annotations

import os
from collections.abc import Sequence

from celeriac.contracts.settler import BodyOf
from celeriac.drivers.redis.backend import RedisBackend
from celeriac.drivers.redis.batch import Writing
from celeriac.drivers.redis.flight import Flight
from celeriac.drivers.redis.keys import BrokerKeys
from celeriac.drivers.redis.outbound import Outbound
from celeriac.drivers.redis.server import Server
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing, Settlement
from celeriac.model.errors import OperationalError
from celeriac.model.record import ChordPart, ResultRecord


class RedisSettler:
    """Carries out effects: all of them or none. A flush that is repeated because its answer was lost sends its follow-ups once."""

    def __init__(self, server: Server, keys: BrokerKeys, flight: Flight, outbound: Outbound, backend: RedisBackend, *, owner: str) -> None:
        self._server = server
        self._keys = keys
        self._flight = flight
        self._outbound = outbound
        self._backend = backend
        self._owner = owner
        self._name = os.urandom(4).hex()
        self._number = 0
        self._unanswered: tuple[list[Writes], str] | None = None

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        settlements: list[Settlement] = []
        records: list[ResultRecord] = []
        outgoing: list[Outgoing] = []
        parts: list[ChordPart] = []
        for write in writes:
            if write.settlement is not None:
                settlements.append(write.settlement)
            if write.records:
                records += write.records
            if write.publish:
                outgoing += write.publish
            if write.part is not None:
                parts.append(write.part)
        if not (settlements or records or outgoing or parts):
            return
        writing = Writing(self._server)
        due = self._backend.chords.count(parts) if parts else []
        for chord in due:
            outgoing += body_of(chord)
        number = ""
        if outgoing:
            number = self._numbered(list(writes))
            writing.at("").once(self._keys.flushed(self._owner), number)
            self._outbound.add_to(writing, self._outbound.routed(outgoing))
        with self._flight.settling(settlements) as change:
            if settlements:
                self._flight.add_to(writing, settlements, change)
            if records or due:
                self._add_results(writing, records, [chord.group for chord in due])
            self._run(writing, list(writes), number)

    def _add_results(self, writing: Writing, records: list[ResultRecord], chords: Sequence[str]) -> None:
        mine, theirs = self._server.address.db, self._backend.server.address.db
        if mine != theirs:
            writing.at("").in_database(theirs)
        if records:
            self._backend.add_to(writing, records)
        for group in chords:
            self._backend.chords.add_done(writing, group)

    def _numbered(self, writes: list[Writes]) -> str:
        """Return the number of a flush: that of the one before when it is the same again and nobody knows what became of that."""
        if self._unanswered is not None and self._unanswered[0] == writes:
            return self._unanswered[1]
        self._number += 1
        return f"{self._name}.{self._number}"

    def _run(self, writing: Writing, writes: list[Writes], number: str) -> None:
        try:
            writing.run()
        except OperationalError:
            if number:
                self._unanswered = (writes, number)
            raise
        self._unanswered = None
