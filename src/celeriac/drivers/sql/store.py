"""One file, one store, one connection a process: what brokers, result stores and schedule stores of the same file share.

All writes of a process go through one connection behind one lock. SQLite lets only one write at a time anyway, and a connection whose
cache is never overtaken by a sister's writes keeps its pages (a second connection reads them anew for every transaction).
No connection crosses a fork: SQLite counts its file locks in the process's memory, so a child that inherited the count would believe to
hold locks that are its parent's. Before a fork the connection is closed (no transaction being open, which the lock sees to); both
sides open their own when they need one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from types import TracebackType
from typing import Any

from celeriac.drivers.sql.dialect_sqlite import Row, Sqlite
from celeriac.lib.clock import Clock
from celeriac.lib.interrupts import uninterrupted
from celeriac.lib.wakeup import Doorbells
from celeriac.model.errors import ImproperlyConfigured, OperationalError

logger = logging.getLogger("celeriac.drivers.sql")

CHECK = 1.0
"""Seconds between two looks at whether the file still is the one that was opened."""

_abandoned: list[sqlite3.Connection] = []
"""Kept from being closed in a child, which would undo its parent's write."""

RESULTS = "results"
"""The place where those wait who want results; keys are digests of task ids."""

class Transaction:
    """A write: begun on entering, committed on leaving, rolled back by an exception. One inside another is part of the outer one.

    ``queues`` (numbers), ``results`` (ids) and ``exchanges`` collect who has to be woken once it is committed.
    """

    def __init__(self, store: "SqlStore") -> None:
        self._store = store
        self._depth = 0
        self.cursor: sqlite3.Cursor
        self.queues: set[int] = set()
        self.results: list[str] = []
        self.exchanges: set[str] = set()

    def __enter__(self) -> "Transaction":
        store = self._store
        uninterrupted.__enter__()
        store.lock.acquire()
        try:
            connection = store.connection()
            if self._depth == 0:
                store.dialect.begin(connection)
                self.cursor = connection.cursor()
            self._depth += 1
        except BaseException as error:
            store.lock.release()
            uninterrupted.__exit__(None, None, None)
            if isinstance(error, sqlite3.Error):
                raise store.dialect.translate(error) from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        news = None
        try:
            self._depth -= 1
            if self._depth == 0:
                news = self._end(error)
        finally:
            self._store.lock.release()
            if news is not None:
                self._store.tell(*news)
            uninterrupted.__exit__(None, None, None)

    def _end(self, error: BaseException | None) -> tuple[set[int], list[str], set[str]] | None:
        news = self._forget_news()
        if error is None:
            try:
                self.cursor.execute("COMMIT")
                return news
            except sqlite3.Error as failure:
                error = failure
        self._roll_back()
        if isinstance(error, sqlite3.Error):
            raise self._store.dialect.translate(error) from error
        return None

    def _roll_back(self) -> None:
        self._store.forget_queues()
        try:
            if self._store.connection().in_transaction:
                self.cursor.execute("ROLLBACK")
        except sqlite3.Error:
            self._store.drop_connection()

    def _forget_news(self) -> tuple[set[int], list[str], set[str]]:
        news = self.queues, self.results, self.exchanges
        self.queues, self.results, self.exchanges = set(), [], set()
        return news


class SqlStore:
    """The shared part of everything that was opened on one file."""

    def __init__(self, dialect: Sqlite, clock: Clock) -> None:
        self.dialect = dialect
        self.clock = clock
        self.texts = dialect.texts
        self.bells = Doorbells(f"{dialect.path}-bells")
        self.last_sweep = 0.0
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self.start_afresh()

    def start_afresh(self) -> None:
        """Begin as a store that nobody has used in this process."""
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._next_check = 0.0
        self._users: set[int] = set()
        self._write = Transaction(self)

    def write(self) -> Transaction:
        """Return a transaction to enter."""
        return self._write

    def connection(self) -> sqlite3.Connection:
        """Return this process's connection; ``lock`` must be held."""
        if self._connection is not None and time.monotonic() >= self._next_check and not self._connection.in_transaction:
            self._check()
        if self._connection is None:
            self._connection = self.dialect.open()
            status = os.stat(self.dialect.path)
            self._identity = (status.st_dev, status.st_ino)
            self.bells.mode = status.st_mode & 0o666
        return self._connection

    def _check(self) -> None:
        """Let go of a file that was removed or replaced under us: everybody else speaks to the one that now has its name."""
        self._next_check = time.monotonic() + CHECK
        try:
            status = os.stat(self.dialect.path)
            same = self._identity == (status.st_dev, status.st_ino)
        except OSError:
            same = False
        if not same:
            logger.warning("The SQLite file %s was removed or replaced while in use: going on with the one that has its name now", self.dialect.path)
            self.drop_connection()

    def join(self, user: object) -> None:
        """Count a user of this store, and open the file."""
        self.connect()
        self._users.add(id(user))

    def leave(self, user: object) -> None:
        """The last user that leaves closes the file; whoever uses the store all the same opens it again."""
        self._users.discard(id(user))
        if not self._users:
            self.drop_connection()

    def connect(self) -> None:
        """Open the file now rather than later."""
        with self.lock:
            self.connection()

    def prepare_fork(self) -> None:
        """Close the connection, unless this very thread forks in the middle of its own write."""
        if self._connection is not None and self._connection.in_transaction:
            _abandoned.append(self._connection)
        else:
            self.drop_connection()

    def drop_connection(self) -> None:
        """Close the connection; the next use opens another."""
        with self.lock:
            connection, self._connection = self._connection, None
            self.forget_queues()
            if connection is not None:
                connection.close()

    def read(self, name: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a reading statement and return its rows; inside this thread's transaction it sees what that has written."""
        with self.lock:
            connection = self.connection()
            try:
                return connection.execute(self.texts[name], parameters).fetchall()
            except sqlite3.Error:
                return self.dialect.patiently(lambda: connection.execute(self.texts[name], parameters).fetchall())

    def changes(self) -> int:
        """Return a number that differs whenever another process has written since."""
        with self.lock:
            connection = self.connection()
            return int(self.dialect.patiently(lambda: connection.execute("PRAGMA data_version").fetchone()[0]))

    def queue_number(self, name: str) -> int | None:
        """Return a queue's number, or None when nobody has named that queue yet."""
        number = self._numbers.get(name)
        if number is None:
            rows = self.read("queue_find", (name,))
            if not rows:
                return None
            number = self._numbers[name] = int(rows[0][0])
            self._names[number] = name
        return number

    def queue_name(self, number: int) -> str:
        """Return a queue's name."""
        name = self._names.get(number)
        if name is None:
            name = self._names[number] = str(self.read("queue_name", (number,))[0][0])
        return name

    def forget_queues(self) -> None:
        """Forget the numbers of queues: a write that may have added one was undone."""
        self._numbers.clear()
        self._names.clear()

    def tell(self, queues: Iterable[int], results: Sequence[str], exchanges: Iterable[str]) -> None:
        """Wake who waits for what was committed. Never raises: it is done, and who is not woken looks by himself before long."""
        for queue in queues:
            name = self._names.get(queue)
            if name is None:
                with contextlib.suppress(OperationalError):
                    name = self.queue_name(queue)
            if name is not None:
                self.bells.ring_one(place("queue", name))
        if results and self.bells.waiting(RESULTS):
            self.bells.ring(RESULTS, {key(task_id) for task_id in results})
        for exchange in exchanges:
            self.bells.ring_all(place("exchange", exchange))


@lru_cache(maxsize=4096)
def place(kind: str, name: str) -> str:
    """Return the name of the place where one waits for news of a queue or an exchange."""
    return f"{kind}-{key(name)}"


def key(text: str) -> str:
    """Return a short word, fit for a file's name, that stands for any text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _before_fork() -> None:
    _opening.acquire()
    for store in _stores.values():
        store.lock.acquire()
        store.prepare_fork()


def _after_fork_in_parent() -> None:
    for store in _stores.values():
        store.lock.release()
    _opening.release()


def _after_fork_in_child() -> None:
    for store in _stores.values():
        store.start_afresh()
    _opening.release()


_stores: dict[tuple[str, int], SqlStore] = {}
_opening = threading.Lock()
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


def sql_store(path: str, clock: Clock, *, busy_timeout: float = 10.0) -> SqlStore:
    """Return this process's store of a file: the same for everything that is opened on it with the same clock."""
    if not path:
        raise ImproperlyConfigured("A SQLite URL needs the path of a file, as in sqlite:////var/lib/app/tasks.sqlite3; for memory use memory://")
    path = os.path.realpath(path)
    with _opening:
        found = _stores.get((path, id(clock)))
        if found is None:
            found = _stores[path, id(clock)] = SqlStore(Sqlite(path, busy_timeout=busy_timeout), clock)
        return found

