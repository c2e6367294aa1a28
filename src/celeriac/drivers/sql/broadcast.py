"""Broadcasts through a table: written only while somebody listens, read by everyone who does, and soon swept away."""

from __future__ import annotations

import time
from collections.abc import Sequence

from celeriac.contracts.broker import Listener
from celeriac.drivers.sql.payload import pack, unpack
from celeriac.drivers.sql.store import SqlStore, place
from celeriac.lib.wakeup import POLL, POLL_WITHOUT_BELLS
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.wire.bindings import matches

KEEP = 10.0
"""Seconds for which a broadcast can be read: a listener that is away for longer misses it."""
SWEEP = 5.0
"""Seconds between two sweepings of one store in one process."""


def broadcast(store: SqlStore, outgoing: Sequence[Outgoing]) -> bool:
    """Send to those who listen, and return whether anybody does; costs a look into a folder when nobody does."""
    heard = {m.exchange for m in outgoing if not store.bells.usable() or store.bells.waiting(place("exchange", m.exchange))}
    rows = [(store.clock.now(), m.exchange, pack(m)) for m in outgoing if m.exchange in heard]
    if not rows:
        return False
    with store.write() as write:
        write.cursor.executemany(store.texts["broadcast_add"], rows)
        if store.last_sweep < time.monotonic() - SWEEP:
            store.last_sweep = time.monotonic()
            write.cursor.execute(store.texts["broadcast_expire"], (store.clock.now() - KEEP,))
        write.exchanges.update(heard)
    return True


class SqlListener(Listener):
    """One subscription: a bell that stays at the exchange's place, and the number of the last broadcast seen."""

    def __init__(self, store: SqlStore, exchange: str, patterns: Sequence[str]) -> None:
        self._store = store
        self._exchange = exchange
        self._patterns = tuple(patterns)
        self._closed = False
        self._bell = store.bells.bell()
        if self._bell is not None:
            self._bell.arm(place("exchange", exchange))
        self._seen: int = store.read("broadcast_last")[0][0] or 0

    def receive(self, timeout: float) -> Sequence[tuple[str, Envelope]]:
        deadline = time.monotonic() + timeout
        while True:
            found = self._read()
            left = deadline - time.monotonic()
            if found or left <= 0 or self._closed:
                return found
            if self._bell is None:
                time.sleep(min(left, POLL_WITHOUT_BELLS))
            else:
                self._bell.arm(place("exchange", self._exchange))
                self._bell.wait(min(left, POLL))

    def _read(self) -> list[tuple[str, Envelope]]:
        found = []
        for number, payload in self._store.read("broadcast_since", (self._seen, self._exchange)):
            self._seen = number
            envelope, _, routing_key = unpack(payload)
            if any(matches(pattern, routing_key) for pattern in self._patterns):
                found.append((routing_key, envelope))
        return found

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._bell is not None:
            self._bell.disarm()
            self._bell.ring()
