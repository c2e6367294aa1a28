"""Starts of tasks, counted for all workers."""

from __future__ import annotations

from celeriac.drivers.sql.store import SqlStore

_OLD = 3600.0
"""Seconds after which a key that is not used is forgotten."""

EARLY = 0.0005
"""Seconds by which a start may come before its time."""


def start(store: SqlStore, key: str, space: float, slack: float) -> float | None:
    """Take a start; a refusal is only a look."""
    now = store.clock.now()
    later = _next(store, key)
    if later > now + EARLY:
        return later
    with store.write() as write:
        later = _next(store, key)
        if later > now + EARLY:
            return later
        write.cursor.execute(store.texts["rate_put"], (key, max(later, now - slack) + space))
        if not later:
            write.cursor.execute(store.texts["rate_expire"], (now - _OLD,))
    return None


def _next(store: SqlStore, key: str) -> float:
    rows = store.read("rate_get", (key,))
    return rows[0][0] if rows else 0.0
