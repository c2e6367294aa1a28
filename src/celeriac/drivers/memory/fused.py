"""Messages and results in one breath: nothing is changed before everything that can fail has been done."""

from __future__ import annotations

from collections.abc import Sequence

from celeriac.contracts.settler import BodyOf, FinishesChords
from celeriac.drivers.memory.backend import MemoryBackend
from celeriac.drivers.memory.store import MessageStore
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing


class MemorySettler(FinishesChords):
    """Carries out effects on a memory store."""

    def __init__(self, messages: MessageStore, owner: str, backend: MemoryBackend) -> None:
        self._messages = messages
        self._owner = owner
        self._results = backend.results

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        messages, results = self._messages, self._results
        with messages.lock, results.lock:
            outgoing: list[Outgoing] = []
            for write in writes:
                outgoing.extend(write.publish)
            parts = [write.part for write in writes if write.part is not None]
            due = results.count(parts) if parts else []
            for chord in due:
                outgoing.extend(body_of(chord))
            routed = messages.route(outgoing) if outgoing else []
            for write in writes:
                if write.records:
                    results.put(write.records)
            if routed:
                messages.append(routed)
            results.finish([chord.group for chord in due])
            messages.settle((w.settlement for w in writes if w.settlement is not None), self._owner)
