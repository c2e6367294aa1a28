"""What is peculiar to SQLite: opening a file, beginning a write, taking from the line, and what its errors mean.

The settings of a connection, and why:

* WAL: readers and the one writer do not wait for each other, and a commit appends to one file.
* synchronous NORMAL: a commit is in the operating system's hands before it returns, so no kill of a process loses it, at whatever moment;
  the disk is forced at checkpoints only, so a power cut may lose the last moments, and never breaks the file.
* a checkpoint every 4,000 pages instead of 1,000: pages that change often are written to the file four times less often (a fifth more rate).
* secure_delete off: some distributions turn it on, and it writes zeros over every message that is done with.
* no waiting inside SQLite: its pauses grow to 100 ms, a tenth of that is wasted when the writer needs 1 ms; ``begin`` has its own.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from celeriac.drivers.sql.texts_sqlite import TABLES, TEXTS
from celeriac.model.errors import ImproperlyConfigured, OperationalError

T = TypeVar("T")
Row = tuple[Any, ...]

SCHEMA_VERSION = 1
NEWEST_TABLE = "celeriac_begun"
"""The table that was added last: a file without it was made by an earlier version, which does not mind what it does not know."""
APPLICATION_COUNTERS = ("message", "tag", "topology")

_PRAGMAS = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA secure_delete=OFF",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-8000",
)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_FIRST_PAUSE = 0.00005
_LONGEST_PAUSE = 0.002


class Sqlite:
    """Speaks to one SQLite file. ``busy_timeout`` is how long to wait for another process's write, in seconds."""

    def __init__(self, path: str, *, busy_timeout: float = 10.0) -> None:
        self.path = path
        self.busy_timeout = busy_timeout
        self.texts = TEXTS

    def open(self) -> sqlite3.Connection:
        """Open the file, making it and its tables if need be."""
        _make_folder(self.path)
        try:
            connection = sqlite3.connect(self.path, timeout=0.0, isolation_level=None, check_same_thread=False, cached_statements=256)
        except sqlite3.Error as error:
            raise self.translate(error) from error
        try:
            self.patiently(lambda: self._prepare(connection))
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise ImproperlyConfigured(f"The SQLite file {self.path} cannot be shared by processes (no WAL here): put it on a local disk")
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        version = self._version(connection)
        if version is None:
            self._create(connection)
        elif version > SCHEMA_VERSION:
            raise ImproperlyConfigured(
                f"The file {self.path} was written by a later version of celeriac (its tables are of version {version}, "
                f"this one knows {SCHEMA_VERSION}): upgrade celeriac, or name another file"
            )
        elif not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (NEWEST_TABLE,)).fetchone():
            self._create(connection)

    def _version(self, connection: sqlite3.Connection) -> int | None:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'celeriac_counter'").fetchone():
            return None
        row = connection.execute(TEXTS["counter_get"], ("schema",)).fetchone()
        return None if row is None else int(row[0])

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for table in TABLES:
                connection.execute(table)
            connection.executemany(TEXTS["counter_new"], [(name, 0) for name in APPLICATION_COUNTERS])
            connection.execute(TEXTS["counter_new"], ("schema", SCHEMA_VERSION))
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin a write, when no other process writes."""
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _BUSY:
                raise
            self.patiently(lambda: connection.execute("BEGIN IMMEDIATE"))

    def patiently(self, action: Callable[[], T]) -> T:
        """Do something again while another process holds the file, up to ``busy_timeout``; foreign errors are translated."""
        deadline = time.monotonic() + self.busy_timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return action()
            except sqlite3.Error as error:
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY
                if not busy or time.monotonic() > deadline:
                    raise self.translate(error) from error
            time.sleep(random.uniform(pause / 2, pause))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def take(self, cursor: sqlite3.Cursor, first: int, last: int, limit: int) -> Sequence[Row]:
        """Cut the first ``limit`` messages off a range; return their (position, tries, payload).

        Nobody else writes meanwhile, so the range is cut as a whole; a database with row locks must skip the rows others have locked.
        """
        rows = cursor.execute(TEXTS["ready_take"], (first, last, limit)).fetchall()
        if rows:
            cursor.execute(TEXTS["ready_cut"], (rows[0][0], rows[-1][0]))
        return rows

    def translate(self, error: sqlite3.Error) -> Exception:
        """Return our word for an error of SQLite."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        for codes, kind, text in _MEANINGS:
            if code in codes:
                return kind(text.format(path=self.path, timeout=self.busy_timeout, error=error))
        return OperationalError(f"The SQLite file {self.path} could not be used: {error}")


_MEANINGS: tuple[tuple[tuple[int, ...], type[Exception], str], ...] = (
    (
        (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        OperationalError,
        "The SQLite file {path} was locked by another process for {timeout:g} s: look for a program that keeps a transaction open on it",
    ),
    (
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH),
        ImproperlyConfigured,
        "The SQLite file {path} cannot be opened for writing ({error}): check that it and its folder exist and that this user may write to both",
    ),
    (
        (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
        ImproperlyConfigured,
        "The file {path} is damaged or no SQLite file ({error}): move it away, together with its -wal and -shm files, or restore a copy",
    ),
    ((sqlite3.SQLITE_FULL,), OperationalError, "The disk that holds the SQLite file {path} is full ({error}): make room, then try again"),
    ((sqlite3.SQLITE_IOERR,), OperationalError, "The SQLite file {path} could not be read or written ({error}): check the disk it is on"),
)


def _make_folder(path: str) -> None:
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        why = error.strerror
        raise ImproperlyConfigured(f"The folder {folder} of the SQLite file {path} cannot be made ({why}): choose another place") from error
