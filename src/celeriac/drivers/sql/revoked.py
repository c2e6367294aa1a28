"""Which tasks were revoked, in a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from celeriac.drivers.sql.store import SqlStore, Transaction


def remember(write: Transaction, store: SqlStore, marks: Collection[str], kept: float) -> None:
    """Keep marks; what is kept no more is swept away by the way."""
    now = store.clock.now()
    write.cursor.execute(store.texts["revoked_expire"], (now,))
    write.cursor.executemany(store.texts["revoked_put"], [(mark, now, now + kept) for mark in marks])


def since(store: SqlStore, after: float) -> Sequence[tuple[str, float]]:
    """Return what was remembered later than that."""
    return [(mark, when) for mark, when in store.read("revoked_since", (after, store.clock.now()))]
