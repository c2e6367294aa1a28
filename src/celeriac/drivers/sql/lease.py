"""Leases: who lives. Times are those of the monotonic clock, which nobody sets, together with the boot they belong to."""

from __future__ import annotations

from pathlib import Path

from celeriac.drivers.sql.store import SqlStore, Transaction

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


BOOT = _boot()
"""The name of this machine's run: a lease from before a restart is over, whatever its clock says."""


class Lease:
    """One owner's lease on what it holds."""

    def __init__(self, store: SqlStore, owner: str, seconds: float) -> None:
        self._store = store
        self._owner = owner
        self._seconds = seconds

    def renew(self, write: Transaction) -> None:
        """Prolong the lease by its full length from now."""
        expires = self._store.clock.monotonic() + self._seconds
        write.cursor.execute(self._store.texts["owner_put"], (self._owner, BOOT, expires))

    def ensure(self, write: Transaction) -> None:
        """Renew the lease when less than half of it is left: nothing may be handed to an owner who could be taken for dead."""
        row = write.cursor.execute(self._store.texts["owner_get"], (self._owner,)).fetchone()
        if row is None or row[1] != BOOT or row[0] < self._store.clock.monotonic() + self._seconds / 2:
            self.renew(write)

    def give_up(self, write: Transaction) -> None:
        """Forget the owner."""
        write.cursor.execute(self._store.texts["owner_drop"], (self._owner,))

    def any_lost(self) -> bool:
        """Say, without writing, whether an owner is dead or a message has none."""
        return bool(self._store.read("owner_dead", (self._store.clock.monotonic(), BOOT)) or self._store.read("held_orphaned"))

    def forget_dead(self, write: Transaction) -> None:
        """Forget all owners whose lease has run out."""
        write.cursor.execute(self._store.texts["owner_drop_dead"], (self._store.clock.monotonic(), BOOT))
