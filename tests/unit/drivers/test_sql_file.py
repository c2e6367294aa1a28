"""What can go wrong with a file, and what is said then."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from celeriac.drivers.registry import open_backend, open_broker
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.model.record import ResultRecord

MESSAGE = Outgoing(Envelope({"id": "m"}, b"x"), "celery")


def opened(path: Path, **options: object):
    broker = open_broker(f"sqlite:///{path}", owner="w", options=options)
    broker.connect()
    return broker


def test_folders_are_made(tmp_path: Path):
    opened(tmp_path / "a" / "b" / "x.db")

    assert (tmp_path / "a" / "b" / "x.db").exists()


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "x.db"
    path.write_bytes(b"this is not a database, and long enough to be read as one" * 100)

    with pytest.raises(ImproperlyConfigured, match=r"x\.db is damaged or no SQLite file"):
        opened(path)


def test_a_damaged_file_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "x.db"
    broker = opened(path)
    broker.publish([MESSAGE] * 200)
    broker.close()
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(ImproperlyConfigured, match=r"x\.db is damaged"):
        opened(path).publish([MESSAGE] * 200)


def test_a_folder_in_place_of_the_file_is_refused_by_name(tmp_path: Path):
    (tmp_path / "x.db").mkdir()

    with pytest.raises(ImproperlyConfigured, match=r"x\.db cannot be opened for writing"):
        opened(tmp_path / "x.db")


def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ImproperlyConfigured, match=r"file of the SQLite file .* cannot be made"):
        opened(tmp_path / "file" / "x.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "x.db"
    opened(path).close()
    path.chmod(0o400)

    with pytest.raises(ImproperlyConfigured, match="this user may write"):
        opened(path).publish([MESSAGE])


def test_a_full_disk_is_an_error_that_may_pass_and_loses_nothing(tmp_path: Path):
    broker = opened(tmp_path / "x.db")
    connection = broker._store.connection()
    connection.execute("PRAGMA max_page_count=60")

    with pytest.raises(OperationalError, match="is full"):
        broker.publish([MESSAGE.replace(envelope=Envelope({}, b"x" * 1_000_000))])

    connection.execute("PRAGMA max_page_count=100000")
    broker.publish([MESSAGE])
    assert broker.depth("celery") == 1


def test_a_file_of_a_later_version_is_refused(tmp_path: Path):
    path = tmp_path / "x.db"
    opened(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE celeriac_counter SET value = 99 WHERE name = 'schema'")

    with pytest.raises(ImproperlyConfigured, match="later version of celeriac"):
        opened(path)


def test_an_application_may_have_its_own_tables_in_the_file(tmp_path: Path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE message (id INTEGER)")

    broker = opened(path)
    broker.publish([MESSAGE])

    assert broker.depth("celery") == 1


def test_a_writer_that_does_not_end_is_an_error_after_the_timeout(tmp_path: Path):
    path = tmp_path / "x.db"
    broker = opened(path, busy_timeout=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(OperationalError, match="locked by another process"):
        broker.publish([MESSAGE])

    other.execute("ROLLBACK")
    broker.publish([MESSAGE])
    assert broker.depth("celery") == 1


def test_a_writer_that_ends_is_waited_for(tmp_path: Path):
    path = tmp_path / "x.db"
    broker = opened(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.1, lambda: other.execute("ROLLBACK"))
    timer.start()

    broker.publish([MESSAGE])

    assert broker.depth("celery") == 1


def test_a_file_removed_under_a_broker_is_made_anew(tmp_path: Path):
    folder = tmp_path / "state"
    broker = opened(folder / "x.db")
    broker.publish([MESSAGE])
    shutil.rmtree(folder)
    broker._store._next_check = 0.0

    broker.publish([MESSAGE])

    assert opened(folder / "x.db").depth("celery") == 1


def test_a_waiter_whose_folder_was_removed_is_woken_again(tmp_path: Path):
    broker = opened(tmp_path / "state" / "x.db")
    broker.fetch(["celery"], limit=1, wait=0.01)
    shutil.rmtree(tmp_path / "state")
    broker._store._next_check = 0.0
    broker.fetch(["celery"], limit=1, wait=0.01)
    broker.fetch(["celery"], limit=1, wait=0.01)

    assert len([p for p in (tmp_path / "state" / "x.db-bells").iterdir() if p.is_fifo()]) == 1


def test_a_queue_first_named_in_a_write_that_failed_is_not_remembered(tmp_path: Path):
    broker = opened(tmp_path / "x.db")
    bad = MESSAGE.replace(exchange="nowhere")

    with pytest.raises(LookupError):
        broker.publish([MESSAGE.replace(routing_key="new"), bad])

    broker.publish([MESSAGE.replace(routing_key="newer")])
    broker.publish([MESSAGE.replace(routing_key="new")])
    assert (broker.depth("new"), broker.depth("newer")) == (1, 1)


def test_a_purge_goes_in_slices_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("celeriac.drivers.sql.broker.SLICE", 10)
    broker = opened(tmp_path / "x.db")
    broker.publish([MESSAGE] * 35)
    broker.publish([MESSAGE.replace(priority=9), MESSAGE.replace(routing_key="other")])

    assert (broker.purge("celery"), broker.depth("celery"), broker.depth("other")) == (36, 0, 1)


def in_child(action) -> int:
    """Fork, act, and end as a program ends: with all its objects taken down. Returns the exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        action()
        gc.collect()
        code = 0
    finally:
        os._exit(code)


def test_no_connection_crosses_a_fork(tmp_path: Path):
    broker = opened(tmp_path / "x.db")
    broker.publish([MESSAGE])

    def child():
        assert broker._store._connection is None
        for _ in range(20):
            broker.publish([MESSAGE])
        broker.close()

    assert in_child(child) == 0
    broker.publish([MESSAGE])
    assert broker.depth("celery") == 22


def test_a_child_outlives_its_parent_on_the_same_file(tmp_path: Path):
    path = tmp_path / "x.db"

    def parent():
        broker = opened(path)
        broker.publish([MESSAGE])
        if os.fork():
            os._exit(0)
        for _ in range(200):
            broker.publish([MESSAGE])
        (tmp_path / "done").touch()

    assert in_child(parent) == 0
    while not (tmp_path / "done").exists():
        assert opened(path).depth("celery") <= 201
    assert opened(path).depth("celery") == 201
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_fork_while_other_threads_write_is_safe(tmp_path: Path):
    broker = opened(tmp_path / "x.db")
    stop = threading.Event()

    def write():
        while not stop.is_set():
            broker.publish([MESSAGE])
            broker.purge("celery")

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    codes = [in_child(lambda: broker.publish([MESSAGE.replace(routing_key="child")])) for _ in range(20)]
    stop.set()
    for thread in threads:
        thread.join(20)

    assert (codes, broker.depth("child")) == ([0] * 20, 20)


def test_the_last_user_that_closes_leaves_one_file(tmp_path: Path):
    broker, backend = opened(tmp_path / "x.db"), open_backend(f"db+sqlite:///{tmp_path}/x.db")
    assert backend is not None
    backend.connect()
    broker.publish([MESSAGE])
    backend.store([ResultRecord("t", "SUCCESS", b"")])

    broker.close()
    backend.close()

    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["x.db"]
    assert list(backend.load(["t"])) == ["t"]
