"""How a worker comes to know what was revoked, and what it does then."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.broker import RemembersRevoked
from celeriac.engine.current import stamp
from celeriac.engine.revoked import Revoked
from celeriac.lib.clock import Clock
from celeriac.model import states
from celeriac.model.errors import ImproperlyConfigured, OperationalError, TaskRevokedError
from celeriac.model.record import ResultMeta, ResultRecord

logger = logging.getLogger("celeriac.worker.revocations")

SYNC = 10.0
"""Seconds between two looks into the store for revocations that were not heard."""

_OVERLAP = 2.0
"""Seconds that a look goes back: writes of several machines become visible in another order than their clocks say."""

_MARKED = 1_000
"""How many revoked tasks of one command get their state at once; more get it when they come up."""


class Revocations:
    """Keeps ``revoked`` in step with commands, with the store, and with a file (``statedb``)."""

    def __init__(self, revoked: Revoked, store: RemembersRevoked | None, clock: Clock, statedb: str | None) -> None:
        self.revoked = revoked
        self._store = store
        self._clock = clock
        self._file = None if statedb is None else Path(statedb)
        self._seen = 0.0
        self._lock = threading.Lock()
        self._saved = 0
        self.on_change: Callable[[], object] = lambda: None
        """Called when something was added."""

    def load(self) -> None:
        """Learn what was revoked before this worker began; raises ImproperlyConfigured when its file could not be written later."""
        if self._file is not None and not os.access(self._file if self._file.exists() else self._file.parent, os.W_OK):
            raise ImproperlyConfigured(f"The file of revoked tasks {self._file} cannot be written: choose another place with --statedb")
        with self._lock:
            for mark, when in read_file(self._file) if self._file is not None else ():
                self.revoked.add((mark,), when)
            self.revoked.forget_old(self._clock.now())
        self.sync()

    def sync(self) -> None:
        """Learn what the store knows and this worker has not heard."""
        if self._store is None:
            return
        new = self._store.revoked_since(max(0.0, self._seen - _OVERLAP))
        with self._lock:
            unknown = [(mark, when) for mark, when in new if mark not in self.revoked]
            for mark, when in unknown:
                self.revoked.add((mark,), when)
            if new:
                self._seen = max(self._seen, new[-1][1])
        if unknown:
            self.on_change()

    def add(self, marks: Sequence[str]) -> None:
        """Take notice of a command."""
        with self._lock:
            self.revoked.add(marks, self._clock.now())
        self.on_change()

    def save(self) -> None:
        """Write the file, if there is one."""
        if self._file is None:
            return
        with self._lock:
            items = self.revoked.items()
        try:
            write_file(self._file, items)
        except OSError as error:
            logger.error("Cannot write the file of revoked tasks %s: %s", self._file, error.strerror)


def mark_revoked(ids: Sequence[str], app: Any, backend: ResultBackend | None, now: float) -> None:
    """Store REVOKED for tasks of which the store knows nothing yet, so that whoever waits for them is told now and not when they come up."""
    if backend is None or not 0 < len(ids) <= _MARKED:
        return
    try:
        known = backend.load(ids)
        records: list[ResultRecord] = [
            app.encode_result(ResultMeta(id=each, state=states.REVOKED, result=TaskRevokedError("revoked"), children=[], date_done=stamp(now)))
            for each in ids
            if each not in known
        ]
        if records:
            backend.store(records)
    except OperationalError as error:
        logger.warning("Cannot store the state of revoked tasks: %s", error)


def read_file(path: Path) -> list[tuple[str, float]]:
    """Read a file of revoked tasks; one that is missing or broken is as good as empty."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=list[tuple[str, float]])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        logger.error("The file of revoked tasks %s cannot be read (%s): beginning with an empty one", path, error)
        return []


def write_file(path: Path, items: Sequence[tuple[str, float]]) -> None:
    """Write a file of revoked tasks, all of it or nothing."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_bytes(msgspec.msgpack.encode(list(items)))
    os.replace(new, path)
