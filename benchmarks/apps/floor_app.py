"""No task queue at all: the same work on SQLite in the barest code, a hundred messages a transaction. What nobody here can beat."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
import uuid
from pathlib import Path

from benchmarks.ticks import from_environment

BATCH = 100
SCHEMA = """
create table if not exists message (number integer primary key, headers text not null, body blob not null, owner text);
create table if not exists result (id text primary key, body blob not null);
"""
HEADERS = {"lang": "py", "task": "bench.tick", "retries": 0, "timelimit": [None, None], "argsrepr": "()", "kwargsrepr": "{}"}
BODY = b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'

count_body = from_environment()


def connect() -> sqlite3.Connection:
    path = Path(os.environ.get("CELERIAC_BENCH_FOLDER", "/tmp")) / "floor.sqlite"
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.executescript("pragma journal_mode=wal; pragma synchronous=normal;" + SCHEMA)
    return connection


database = connect()


def tick() -> int:
    count_body()
    return 1


def send() -> str:
    task_id = str(uuid.uuid4())
    database.execute("insert into message (headers, body) values (?, ?)", (json.dumps({**HEADERS, "id": task_id}), BODY))
    return task_id


def round_trip() -> None:
    task_id = send()
    while not _found(task_id):
        time.sleep(0.0002)


def kept(handle: str) -> bool:
    return _found(handle) == 1


def _found(task_id: str) -> object:
    row = database.execute("select body from result where id = ?", (task_id,)).fetchone()
    return json.loads(row[0])["result"] if row else None


def work() -> None:
    """Claim a batch, run it, then results and deletions in one transaction."""
    while True:
        database.execute("begin immediate")
        rows = database.execute("select number, headers, body from message where owner is null order by number limit ?", (BATCH,)).fetchall()
        database.executemany("update message set owner = 'me' where number = ?", [(row[0],) for row in rows])
        database.execute("commit")
        results = []
        for _, headers, body in rows:
            args, kwargs, _ = json.loads(body)
            meta = {"status": "SUCCESS", "result": tick(*args, **kwargs), "traceback": None, "children": [], "task_id": json.loads(headers)["id"]}
            results.append((meta["task_id"], json.dumps(meta)))
        if rows:
            database.execute("begin immediate")
            database.executemany("insert or replace into result values (?, ?)", results)
            database.executemany("delete from message where number = ?", [(row[0],) for row in rows])
            database.execute("commit")
        else:
            time.sleep(0.001)


if __name__ == "__main__" and sys.argv[1:] == ["work"]:
    work()
