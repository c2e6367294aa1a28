"""The settler where broker and result store are two systems: in the order in which a crash repeats work and never loses it."""

from __future__ import annotations

from collections.abc import Sequence

from celeriac.contracts.backend import CountsChords, ResultBackend
from celeriac.contracts.broker import Broker
from celeriac.contracts.settler import BodyOf
from celeriac.lib.signpost import reach
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing
from celeriac.model.errors import UnsupportedPower
from celeriac.model.record import ChordPart


class TwoStep:
    """First what follows, then the results, then the settlements: whoever dies in between has its deliveries done again.

    A stored result says that all before it is done, the count of a chord's part too: then only the settlement is made up for.
    """

    def __init__(self, broker: Broker, backend: ResultBackend | None) -> None:
        self._broker = broker
        self._backend = backend
        self._chords: CountsChords | None = backend if isinstance(backend, CountsChords) else None

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        outgoing: list[Outgoing] = [message for write in writes for message in write.publish]
        parts = [write.part for write in writes if write.part is not None]
        records = [record for write in writes for record in write.records]
        settlements = [write.settlement for write in writes if write.settlement is not None]
        if outgoing:
            self._broker.publish(outgoing)
        if parts:
            self._send_chords(parts, body_of)
        if records and self._backend is not None:
            self._backend.store(records)
            reach("settler.stored")
        if settlements:
            self._broker.settle(settlements)

    def _send_chords(self, parts: Sequence[ChordPart], body_of: BodyOf) -> None:
        if self._chords is None:
            have = "none" if self._backend is None else f"only {type(self._backend).__name__}, which cannot"
            raise UnsupportedPower(f"Chords need a result store that counts their parts, and there is {have}: set result_backend to one that can")
        for chord in self._chords.count(parts):
            self._broker.publish(body_of(chord))
            self._chords.done((chord.group,))
