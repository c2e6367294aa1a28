"""Record golden files from real Celery 5.7.

Run with the Python of an environment that has Celery with redis, msgpack and PyYAML, and with ``redis-server`` on the path:

    .peers/celery/bin/python tests/interop/record_golden.py

It starts a private Redis server on a free port, sends messages of every kind through it, reads what Celery wrote there, and writes
``tests/golden/*.json``. Bodies are in base64. The name of this machine and process numbers are replaced; nothing else is.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import celery
import redis
from celery import Celery, chain, chord, group
from celery.app.task import Context
from kombu.serialization import dumps

GOLDEN = Path(__file__).parent.parent / "golden"
UTC = datetime.timezone.utc  # noqa: UP017
SECOND_ZONE = datetime.timezone(datetime.timedelta(hours=3))


class Nested:
    class Inner(Exception):
        pass


class Level(enum.IntEnum):
    HIGH = 3


class Colour(str, enum.Enum):  # noqa: UP042
    RED = "red"


def add(x: int, y: int) -> int:
    return x + y


def total(parts: list[int]) -> int:
    return sum(parts)


def error(*args: Any) -> None:
    return None


class Recorder:
    """A Celery application on a private server, and what it wrote there."""

    def __init__(self, port: int, **settings: Any) -> None:
        url = f"redis://127.0.0.1:{port}/0"
        self.redis = redis.Redis(port=port)
        self.app = Celery("golden", broker=url, backend=url, set_as_current=True, **settings)
        for function in (add, total, error):
            self.app.task(name=f"golden.{function.__name__}")(function)
        self.app.finalize()
        self.add = self.app.tasks["golden.add"]
        self.total = self.app.tasks["golden.total"]
        self.error = self.app.tasks["golden.error"]
        self.messages: list[dict[str, Any]] = []

    def take(self, name: str) -> None:
        """Move the messages that wait on the server into the record."""
        for suffix in ("", "\x06\x163", "\x06\x166", "\x06\x169"):
            while (text := self.redis.rpop("celery" + suffix)) is not None:
                self.messages.append(message(name, text))


def anonymous(text: str) -> str:
    """Take this machine's name and process numbers out of a text."""
    text = re.sub(r"gen\d+@[\w.-]+", "gen1@host", text)
    return re.sub(r'"pid": \d+', '"pid": 1', text)


def message(name: str, text: bytes) -> dict[str, Any]:
    """Describe one message of the store."""
    found = json.loads(anonymous(text.decode()))
    if found["content-type"] == "application/json" and "compression" not in found["headers"]:
        found["body"] = b64encode(anonymous(b64decode(found["body"]).decode()).encode()).decode()
    return {"name": name, "message": found}


def tasks_v2(port: int) -> list[dict[str, Any]]:
    recorder = Recorder(port)
    add, error = recorder.add, recorder.error
    eta = datetime.datetime(2040, 1, 2, 3, 4, 5, 678901, tzinfo=SECOND_ZONE)
    calls: dict[str, Any] = {
        "plain": lambda: add.apply_async((2, 2), task_id="plain"),
        "keywords": lambda: add.apply_async((2,), {"y": 3}, task_id="keywords"),
        "options": lambda: add.apply_async(
            (2, 2), task_id="options", priority=3, ignore_result=True, time_limit=9, soft_time_limit=5.5, shadow="other", reply_to="somebody"
        ),
        "own headers": lambda: add.apply_async((2, 2), task_id="own", headers={"tenant": "t1", "depth": 2, "list": [1, None]}),
        "eta and expires": lambda: add.apply_async((2, 2), task_id="eta", eta=eta, expires=datetime.datetime(2041, 1, 1, tzinfo=UTC)),
        "links": lambda: add.apply_async((2, 2), task_id="links", link=[add.s(1), add.si(5, 5)], link_error=error.s()),
        "types": lambda: add.apply_async((datetime.datetime(2020, 1, 1), [decimal.Decimal("1.10"), uuid.UUID(int=5), b"\xff"]), task_id="types"),
        "text": lambda: add.apply_async(("caf\u00e9 \u2028 \U0001f600", "\ud800"), task_id="text"),
        "not a number": lambda: add.apply_async((float("nan"), float("inf")), task_id="nan"),
        "retry": lambda: add.apply_async((2, 2), task_id="retry", retries=2, root_id="root", parent_id="parent"),
        "chain": lambda: chain(add.s(1, 1), add.s(2), add.s(3)).apply_async(),
        "group": lambda: group([add.s(1, 1), add.s(2, 2)]).apply_async(),
        "chord": lambda: chord([add.s(1, 1), add.s(2, 2)], recorder.total.s()).apply_async(),
        "stamps": lambda: stamped(add),
        "own reprs": lambda: add.apply_async((1, 2), task_id="reprs", argsrepr="<args>", kwargsrepr="<kwargs>"),
        "deep": lambda: add.apply_async(({"a": {"b": {"c": {"d": 1}}}}, [[[[[1]]]]]), task_id="deep"),
    }
    for serializer in ("pickle", "yaml", "msgpack"):
        # Celery's yaml cannot write signatures.
        link = None if serializer == "yaml" else add.s(1)
        calls[serializer] = lambda s=serializer, link=link: add.apply_async((2, "\u00e9"), task_id=s, serializer=s, link=link)
    for method in ("gzip", "bzip2", "lzma", "brotli"):
        calls[method] = lambda m=method: add.apply_async((2, "y" * 200), task_id=m, compression=m)
    for name, call in calls.items():
        call()
        recorder.take(name)
    return recorder.messages


def stamped(add: Any) -> None:
    signature = add.s(1, 1)
    signature.stamp(tenant="t1", stage=["a", "b"])
    signature.apply_async(task_id="stamps")


def tasks_v1(port: int) -> list[dict[str, Any]]:
    recorder = Recorder(port, task_protocol=1)
    add = recorder.add
    eta = datetime.datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)
    add.apply_async((2, 2), task_id="plain")
    recorder.take("plain")
    add.apply_async((2,), {"y": 3}, task_id="options", eta=eta, time_limit=9, soft_time_limit=5, link=add.s(1), headers={"tenant": "t1"}, retries=1)
    recorder.take("options")
    chain(add.s(1, 1), add.s(2), add.s(3)).apply_async()
    recorder.take("chain")
    group([add.s(1, 1), add.s(2, 2)]).apply_async()
    recorder.take("group")
    add.apply_async((2, 2), task_id="pickle", serializer="pickle", compression="gzip")
    recorder.take("pickle")
    return recorder.messages


def results(port: int) -> list[dict[str, Any]]:
    found = []
    for settings in (
        {},
        {"result_extended": True},
        {"result_compression": "gzip"},
        *({"result_serializer": s} for s in ("pickle", "yaml", "msgpack")),
    ):
        recorder = Recorder(port, accept_content=["json", "pickle", "yaml", "msgpack"], **settings)
        for name, (value, state, traceback) in outcomes().items():
            store(recorder, name, value, state, traceback)
            found.append(
                {
                    "name": name,
                    "settings": settings,
                    "id": "id-1",
                    "state": state,
                    "body": b64encode(recorder.redis.get("celery-task-meta-id-1")).decode(),
                }
            )
            recorder.redis.delete("celery-task-meta-id-1")
    return found


def outcomes() -> dict[str, tuple[Any, str, str | None]]:
    return {
        "number": (8, "SUCCESS", None),
        "types": ({"when": datetime.date(2020, 1, 1).isoformat(), "list": [1, 2.5, None, True, "\u00e9"]}, "SUCCESS", None),
        "nothing": (None, "SUCCESS", None),
        "started": ({"pid": 1, "hostname": "w1@host"}, "STARTED", None),
        "progress": ({"done": 1}, "PROGRESS", None),
        "error": (ValueError("bad", 5), "FAILURE", "Traceback (most recent call last):\nValueError: ('bad', 5)\n"),
        "nested error": (Nested.Inner("deep"), "FAILURE", "Traceback"),
        "no arguments": (KeyError(), "FAILURE", "Traceback"),
        "retry": (OSError(2, "no such file"), "RETRY", "Traceback"),
        "revoked": (celery.exceptions.TaskRevokedError("terminated"), "REVOKED", None),
        "not registered": (celery.exceptions.NotRegistered("golden.nothing"), "FAILURE", None),
        "soft limit": (celery.exceptions.SoftTimeLimitExceeded(5), "FAILURE", "Traceback"),
    }


def store(recorder: Recorder, name: str, value: Any, state: str, traceback: str | None) -> None:
    request = Context(
        id="id-1",
        task="golden.add",
        args=[2, 2],
        kwargs={},
        hostname="w1@host",
        retries=1,
        delivery_info={"routing_key": "celery"},
        group="group-1" if name == "types" else None,
        parent_id="parent-1" if name == "types" else None,
        stamped_headers=["tenant"] if name == "types" else None,
        stamps={"tenant": ["t1"]},
    )
    recorder.app.backend.store_result("id-1", value, state, traceback=traceback, request=request)


def values() -> list[dict[str, Any]]:
    point = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
    found = {
        "naive datetime": point,
        "whole second": point.replace(microsecond=0),
        "aware datetime": point.replace(tzinfo=SECOND_ZONE),
        "utc datetime": point.replace(tzinfo=UTC),
        "date": point.date(),
        "time": point.time(),
        "aware time": point.replace(tzinfo=UTC).timetz(),
        "decimal": decimal.Decimal("1.10"),
        "decimal not a number": decimal.Decimal("NaN"),
        "uuid": uuid.UUID("12345678-1234-4234-9234-123456789012"),
        "text bytes": b"abc",
        "other bytes": b"\xff\x00",
        "int enum": Level.HIGH,
        "text enum": Colour.RED,
        "int key": {1: 2},
        "null key": {None: 1},
        "bool key": {True: 1},
        "float key": {1.5: 1},
        "tuple": (1, (2, 3)),
        "big": 2**70,
        "float": 1e-07,
        "unicode": '\u00e9\u2028<>&"/\\\n\x7f',
        "surrogate": "\ud800",
        "infinity": [float("inf"), -float("inf")],
    }
    return [{"name": name, "text": text(dumps(value, serializer="json")[2])} for name, value in found.items()]


def text(body: str | bytes) -> str:
    return body if isinstance(body, str) else body.decode()


def broadcasts(port: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    recorder = Recorder(port)
    app = recorder.app
    listener = recorder.redis.pubsub()
    listener.psubscribe("/0.*")
    listener.get_message(timeout=5)
    app.control.broadcast("ping")
    app.control.revoke("id-1", terminate=True)
    app.control.broadcast("rate_limit", {"task_name": "golden.add", "rate_limit": "1/m"}, pattern="w*", matcher="glob")
    app.control.broadcast("ping", reply=True, timeout=0.1, destination=["w1@host"])
    commands = heard(listener, 4)
    with app.events.default_dispatcher() as dispatcher:
        dispatcher.send("worker-heartbeat", freq=2.0, active=0, processed=0, loadavg=[0.1, 0.2, 0.3], sw_ident="py-celery", sw_ver="5.7.0")
        dispatcher.send("task-succeeded", uuid="id-1", result="8", runtime=0.25)
    app.conf.task_send_sent_event = True
    recorder.add.apply_async((2, 2), task_id="sent")
    recorder.take("sent")
    with app.connection() as connection, app.events.Dispatcher(connection, buffer_group=["task"], buffer_limit=2) as dispatcher:
        dispatcher.send("task-received", uuid="id-1", name="golden.add")
        dispatcher.send("task-started", uuid="id-1")
        dispatcher.flush(errors=False)
    events = heard(listener, 4, at_least=3)
    return commands, events


def heard(listener: Any, count: int, at_least: int | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 5
    while len(found) < count and time.monotonic() < deadline:
        got = listener.get_message(timeout=0.5)
        if got and got["type"] == "pmessage":
            found.append(message(got["channel"].decode(), got["data"]))
    if len(found) < (at_least or count):
        raise SystemExit(f"expected {count} broadcasts, heard {len(found)}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    port = free_port()
    folder = tempfile.mkdtemp()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        deadline = time.monotonic() + 10
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.02)
        commands, events = broadcasts(port)
        files = {
            "tasks_v2": tasks_v2(port),
            "tasks_v1": tasks_v1(port),
            "results": results(port),
            "json_values": values(),
            "control": commands,
            "events": events,
        }
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
    GOLDEN.mkdir(exist_ok=True)
    for name, cases in files.items():
        document = {"celery": celery.__version__, "cases": cases}
        (GOLDEN / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
        print(f"{name}: {len(cases)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
