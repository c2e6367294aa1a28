"""Everything that follows from a batch of tasks, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from celeriac.contracts.settler import BodyOf, FinishesChords
from celeriac.drivers.sql.backend import SqlBackend
from celeriac.drivers.sql.messages import Messages
from celeriac.drivers.sql.store import SqlStore
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing
from celeriac.model.record import ResultRecord


class SqlSettler(FinishesChords):
    """Carries out effects on one file: all of them or, on an exception, none."""

    def __init__(self, store: SqlStore, messages: Messages, owner: str, backend: SqlBackend) -> None:
        self._store = store
        self._messages = messages
        self._owner = owner
        self._results = backend.results

    def flush(self, writes: Sequence[Writes], body_of: BodyOf) -> None:
        settlements = [w.settlement for w in writes if w.settlement is not None]
        records: list[ResultRecord] = []
        outgoing: list[Outgoing] = []
        parts = []
        for w in writes:
            records.extend(w.records)
            outgoing.extend(w.publish)
            if w.part is not None:
                parts.append(w.part)
        if not (settlements or records or outgoing or parts):
            return
        with self._store.write() as write:
            if parts:
                due = self._results.count(write, parts)
                for chord in due:
                    outgoing.extend(body_of(chord))
                self._results.finish(write, [chord.group for chord in due])
            if outgoing:
                self._messages.publish(write, outgoing)
            if records:
                self._results.put(write, records)
            if settlements:
                self._messages.settle(write, settlements, self._owner)
