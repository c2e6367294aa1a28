"""The settler where parts of chords go by the broker's own server: a part is a message, and who finished it does not wait for the chord's end."""

from __future__ import annotations

from collections.abc import Sequence

from celeriac.contracts.settler import BodyOf, FinishesChords, Settler, TendsChords
from celeriac.drivers.rabbitmq.backend import RpcBackend
from celeriac.drivers.rabbitmq.chord_tending import Tending
from celeriac.drivers.rabbitmq.sending import Sending
from celeriac.model.effects import Writes


class ChordSettler(FinishesChords, TendsChords):
    """Writes parts, sends what follows from a finished chord once, and leaves all else to another settler."""

    def __init__(self, others: Settler, backend: RpcBackend, sending: Sending) -> None:
        self._others = others
        self._backend = backend
        self._sending = sending
        self._tending: Tending | None = None

    def tend(self, body_of: BodyOf) -> None:
        self._tending = self._backend.tending(body_of, self._sending.publish)
        self._tending.start()

    def leave(self) -> None:
        if self._tending is not None:
            self._tending.stop()

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        parts = [write.part for write in writes if write.part is not None]
        if parts:
            self._backend.chords.tell(parts)
        ends = [write for write in writes if write.once]
        for write in ends:
            self._backend.chords.once(write.once, write.publish, self._sending.prepared, self._sending.publish)
        if parts or ends:
            writes = [write.replace(part=None, publish=() if write.once else write.publish) for write in writes]
        self._others.flush(writes, body_of)
