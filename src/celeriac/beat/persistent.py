"""Celery's ``PersistentScheduler``: entries in a file of Python's ``shelve``, for those who derive from it."""

from __future__ import annotations

import shelve
from contextlib import suppress
from typing import Any

from celeriac.beat.celery_scheduler import Scheduler, logger


class PersistentScheduler(Scheduler):
    """Keeps when its entries were sent last in the file ``schedule_filename``."""

    persistence: Any = shelve
    known_suffixes = ("", ".db", ".dat", ".bak", ".dir")
    _store: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.schedule_filename = kwargs.get("schedule_filename") or "celerybeat-schedule"
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Open the file and bring it up to the code."""
        try:
            self._store = self._open_schedule()
            entries = self._store.setdefault("entries", {})
        except Exception as error:
            logger.warning("The file %s cannot be read (%s: %s); a new one is made.", self.schedule_filename, type(error).__name__, error)
            self._store = self.persistence.open(self.schedule_filename, flag="n", writeback=True)
            entries = self._store.setdefault("entries", {})
        zone, utc = str(self.app.timezone), bool(self.app.conf.enable_utc)
        if (self._store.get("tz", zone), self._store.get("utc_enabled", utc)) != (zone, utc):
            logger.warning("The time zone has changed: what %s knew of past runs is forgotten.", self.schedule_filename)
            entries.clear()
        self.install_default_entries(entries)
        self.merge_inplace(self.app.conf.beat_schedule)
        self._store.update({"__version__": "celeriac", "tz": zone, "utc_enabled": utc})
        self.sync()

    def _open_schedule(self) -> Any:
        return self.persistence.open(self.schedule_filename, writeback=True)

    def get_schedule(self) -> Any:
        """Return the entries by name."""
        return self._store["entries"]

    def set_schedule(self, schedule: Any) -> None:
        """Replace the entries."""
        self._store["entries"] = schedule

    schedule = property(get_schedule, set_schedule)

    def sync(self) -> None:
        """Write the file."""
        if self._store is not None:
            self._store.sync()

    def close(self) -> None:
        """Write the file and close it."""
        self.sync()
        with suppress(Exception):
            self._store.close()

    @property
    def info(self) -> str:
        """Say where the schedule is."""
        return f"    . db -> {self.schedule_filename}"
