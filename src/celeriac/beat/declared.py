"""What the code of an application says: the setting ``beat_schedule`` and what ``add_periodic_task`` added."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from celeriac.beat.definition import Definition, definition_of
from celeriac.model.errors import ImproperlyConfigured
from celeriac.schedules.crontab import crontab

logger = logging.getLogger("celeriac.beat")

WATCHED = 1000
"""Up to so many entries a change inside of them is noticed too; beyond, a change of their number or of the setting."""


class Declared(Mapping[str, Definition]):
    """The definitions of the code by name, read again when they have changed; entries that make no sense are reported and left out.

    Each is made when it is asked for: a hundred thousand take no more memory than what the program wrote.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._seen: Any = None
        self._entries: Mapping[str, Any] = {}
        self._refused: set[str] = set()
        self.digest = ""

    def __getitem__(self, name: str) -> Definition:
        if name in self._refused:
            raise KeyError(name)
        return self._definition(name, self._entries[name])

    def __iter__(self) -> Iterator[str]:
        return (str(name) for name in self._entries if name not in self._refused)

    def __len__(self) -> int:
        return len(self._entries) - len(self._refused)

    def refresh(self) -> bool:
        """Read the code's entries if they have changed since; return whether they had."""
        seen = self._state()
        if seen == self._seen:
            return False
        self._seen = seen
        self._entries = entries_of(self._app)
        self._refused = set()
        digest = blake2b(digest_size=16)
        for name in sorted(self._entries, key=str):
            try:
                definition = self._definition(name, self._entries[name])
            except ImproperlyConfigured as error:
                logger.error("%s. The entry is left out.", error)
                self._refused.add(name)
            else:
                digest.update(f"{name}\0{definition.enabled}\0".encode() + definition.encoded() + b"\0")
        self.digest = digest.hexdigest()
        return True

    def _state(self) -> Any:
        conf, periodic = self._app.conf, self._app.periodic
        schedule = conf.beat_schedule or {}
        if callable(schedule) or len(schedule) + len(periodic) > WATCHED:
            return conf.generation, 0 if callable(schedule) else len(schedule), len(periodic)
        return {name: dict(entry) if isinstance(entry, Mapping) else entry for name, entry in entries_of(self._app).items()}, conf.timezone

    def _definition(self, name: str, entry: Any) -> Definition:
        return _with_deadline(definition_of(name, entry, app=self._app), self._app)


def entries_of(app: Any) -> dict[str, Any]:
    """Return the raw entries of the code by name."""
    schedule = app.conf.beat_schedule or {}
    if callable(schedule):
        schedule = schedule()
    if not isinstance(schedule, Mapping):
        raise ImproperlyConfigured(f"beat_schedule is {schedule!r}; write a dict of entries by name")
    return {**schedule, **app.periodic}


def _with_deadline(definition: Definition, app: Any) -> Definition:
    """Let the setting ``beat_cron_starting_deadline`` (seconds) stand for the ``max_lateness`` of crontabs that say none."""
    deadline, timing = app.conf.beat_cron_starting_deadline, definition.timing
    if deadline is None or timing.max_lateness is not None or not isinstance(timing.schedule, crontab):
        return definition
    return definition.replace(timing=timing.replace(max_lateness=float(deadline)))
