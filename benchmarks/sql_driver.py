"""What the SQL driver costs on SQLite, beside the same work in bare statements: ``python -m benchmarks.sql_driver [messages]``.

The floor keeps messages in a table with a partial index of what is free, claims 100 at a time by UPDATE ... RETURNING, stores 100 results and
deletes 100 messages in one transaction: what one would write by hand. Ids are random (UUID version 4), as Celery's are, or grow with time.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celeriac.drivers.registry import open_backend, open_broker, settler_for
from celeriac.lib.ids import uuid
from celeriac.model.effects import Writes
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Settlement, Verdict
from celeriac.model.record import ResultRecord

BATCH = 100
BODY = b'[[2, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
RESULT = b'{"status": "SUCCESS", "result": 4, "traceback": null, "children": [], "date_done": "2026-01-01T00:00:00.000000+00:00", "task_id": "..."}'
FLOOR_TABLES = """
    CREATE TABLE message (id INTEGER PRIMARY KEY, queue TEXT, owner TEXT, payload BLOB);
    CREATE INDEX free ON message (queue, id) WHERE owner IS NULL;
    CREATE TABLE result (id TEXT PRIMARY KEY, state TEXT, body BLOB);
"""
CLAIM = (
    "UPDATE message SET owner = 'me' WHERE id IN (SELECT id FROM message WHERE queue = 'celery' AND owner IS NULL ORDER BY id LIMIT 100) "
    "RETURNING id, payload"
)


def growing_ids() -> Iterator[str]:
    """Yield ids that grow, as UUIDs of version 7 do."""
    return (f"{number:012x}-{os.urandom(10).hex()}" for number in itertools.count(1))


def random_ids() -> Iterator[str]:
    """Yield UUIDs of version 4."""
    return iter(uuid, "")


def envelope(task_id: str) -> Envelope:
    """Return a message of the size of Celery's."""
    headers: dict[str, Any] = {
        **{"lang": "py", "task": "tasks.add", "id": task_id, "shadow": None, "eta": None, "expires": None, "group": None, "group_index": None},
        **{"retries": 0, "timelimit": [None, None], "root_id": task_id, "parent_id": None, "argsrepr": "(2, 2)", "kwargsrepr": "{}"},
        **{"origin": "gen1@host", "ignore_result": False, "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {}},
    }
    return Envelope(headers, BODY, properties={"correlation_id": task_id, "reply_to": task_id, "delivery_mode": 2, "priority": 0})


@contextmanager
def timed(label: str, count: int) -> Iterator[None]:
    """Print how many of something were done a second."""
    began = time.perf_counter()
    yield
    print(f"{label:42} {count / (time.perf_counter() - began):>10,.0f} /s", flush=True)


def floor(folder: str, ids: Callable[[], Iterator[str]], count: int, label: str) -> None:
    """The bare statements."""
    connection = sqlite3.connect(f"{folder}/floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(FLOOR_TABLES)
    names, payload = ids(), BODY * 8
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO message (queue, payload) VALUES ('celery', ?)", [(payload,)] * count)
    connection.execute("COMMIT")
    with timed(f"floor: claim, store, delete, {label} ids", count):
        while rows := connection.execute(CLAIM).fetchall():
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO result VALUES (?, 'SUCCESS', ?)", [(next(names), RESULT) for _ in rows])
            connection.executemany("DELETE FROM message WHERE id = ?", [row[:1] for row in rows])
            connection.execute("COMMIT")


def concluded(delivery: Delivery) -> Writes:
    """Return what follows from a task that succeeded."""
    record = ResultRecord(delivery.envelope.headers["id"], "SUCCESS", RESULT, ttl=86_400.0)
    return Writes(Settlement(Verdict.ACK, delivery.tag, delivery.queue), (record,))


def driver(folder: str, ids: Callable[[], Iterator[str]], count: int, label: str) -> None:
    """The same through the driver."""
    url, names = f"sqlite:///{folder}/driver.db", ids()
    broker, backend = open_broker(url, owner="bench"), open_backend(f"db+{url}")
    broker.connect()
    settler = settler_for(broker, backend)
    messages = [Outgoing(envelope(next(names)), "celery") for _ in range(count)]
    few = count // 10
    with timed("driver: publish one by one", few):
        for message in messages[:few]:
            broker.publish([message])
    with timed("driver: publish by 100", count - few):
        for begin in range(few, count, BATCH):
            broker.publish(messages[begin : begin + BATCH])
    with timed(f"driver: fetch and flush by 100, {label} ids", count):
        while found := broker.fetch(["celery"], limit=BATCH, wait=0):
            settler.flush([concluded(delivery) for delivery in found], lambda _: ())
    broker.close()


def latency(folder: str) -> None:
    """How long an idle fetch takes to notice a message that another thread of another connection published."""
    url = f"sqlite:///{folder}/latency.db"
    consumer, producer = open_broker(url, owner="bench"), open_broker(url)
    delays: list[float] = []
    consumer.connect()

    def consume() -> None:
        while len(delays) < 300:
            for delivery in consumer.fetch(["celery"], limit=1, wait=1.0):
                delays.append(time.perf_counter() - delivery.envelope.headers["sent"])

    thread = threading.Thread(target=consume)
    thread.start()
    while thread.is_alive():
        time.sleep(0.003)
        producer.publish([Outgoing(Envelope({"sent": time.perf_counter()}, b""), "celery")])
    delays.sort()
    print(f"{'driver: an idle fetch notices, p50, p95':42} {delays[150] * 1000:>7.2f} {delays[285] * 1000:.2f} ms")


def main() -> None:
    """Measure everything in this one run."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    for label, ids in (("random", random_ids), ("growing", growing_ids)):
        for measure in (floor, driver):
            with tempfile.TemporaryDirectory() as folder:
                measure(folder, ids, count, label)
    with tempfile.TemporaryDirectory() as folder:
        latency(folder)


if __name__ == "__main__":
    main()
