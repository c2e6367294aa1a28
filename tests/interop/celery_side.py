"""Real Celery, run with its own interpreter: takes one JSON command a line on stdin, answers one JSON line each.

    send     {"name", "args", "kwargs", "options"} -> the raw message a Celery client publishes
    run      {"body" (base64), "headers", "properties", "content_type", "content_encoding"} -> what a Celery worker makes of that message
    store    {"name", "args"} -> the bytes that a Celery worker stores as the result of a call
    read     {"id", "payload" (base64)} -> what a Celery client reads from such bytes
"""

from __future__ import annotations

import base64
import json
import pathlib
import sys
import tempfile
import traceback
from typing import Any

from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import Connection

app = Celery("interop", broker="memory://", backend="cache+memory://")
app.conf.update(
    accept_content=["json", "yaml", "msgpack", "pickle"], result_accept_content=["json", "yaml", "msgpack", "pickle"], result_extended=True,
    worker_hijack_root_logger=False, task_default_queue="run", worker_redirect_stdouts=False,
    broker_transport_options={"polling_interval": 0.01},
)


old_client = Celery("old", broker="memory://", set_as_current=False)
old_client.conf.task_protocol = 1
folder = tempfile.mkdtemp()
sender = Connection("filesystem://", transport_options={"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder})
"""Where sent messages go: kombu's file system transport writes each to a file, as it is."""


@app.task(name="interop.add", typing=False)
def add(x: Any, y: Any = 1) -> Any:
    return x + y


@app.task(name="interop.describe")
def describe(*args: Any, **kwargs: Any) -> list[str]:
    return [f"{type(value).__name__} {value!r}" for value in [*args, *kwargs.values()]]


@app.task(name="interop.request", bind=True)
def request(self: Any, *fields: str) -> dict[str, Any]:
    return {field: getattr(self.request, field, None) for field in fields}


@app.task(name="interop.fail")
def fail(text: str) -> None:
    raise ValueError(text, 7)


def send(command: dict[str, Any]) -> dict[str, Any]:
    options = {**command.get("options", {}), "queue": "sent", "connection": sender}
    args, kwargs = command.get("args", []), command.get("kwargs", {})
    if command.get("protocol", 2) == 1:
        result = old_client.send_task(command["name"], args, kwargs, **options)
    else:
        result = app.tasks[command["name"]].apply_async(args, kwargs, **options)
    file = next(pathlib.Path(folder).glob("*.msg"))
    raw = json.loads(file.read_text())
    file.unlink()
    return {
        "id": result.id, "body": raw["body"], "headers": raw["headers"], "properties": _plain(raw["properties"]),
        "content_type": raw["content-type"], "content_encoding": raw["content-encoding"],
    }


def run(command: dict[str, Any]) -> dict[str, Any]:
    with app.producer_or_acquire() as producer:
        producer.publish(
            base64.b64decode(command["body"]), headers=command["headers"], content_type=command["content_type"],
            content_encoding=command["content_encoding"], exchange="", routing_key="run", **command["properties"],
        )
    result = app.AsyncResult(command["id"])
    value = result.get(timeout=10, propagate=False, interval=0.01)
    return {"state": result.state, "value": repr(value) if isinstance(value, BaseException) else value}


def store(command: dict[str, Any]) -> dict[str, Any]:
    result = app.tasks[command["name"]].apply_async(command.get("args", []), queue="run")
    result.get(timeout=10, propagate=False, interval=0.01)
    return {"id": result.id, "payload": _encode(app.backend.get(app.backend.get_key_for_task(result.id)))}


def read(command: dict[str, Any]) -> dict[str, Any]:
    app.backend.set(app.backend.get_key_for_task(command["id"]), base64.b64decode(command["payload"]))
    result = app.AsyncResult(command["id"])
    value = result.result
    return {
        "state": result.state, "value": repr(value) if isinstance(value, BaseException) else value, "traceback": result.traceback,
        "children": [child.id for child in result.children or []], "date_done": str(result.date_done),
    }


def _encode(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def _plain(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if isinstance(value, str | int | float | None)}


def main() -> None:
    commands = {"send": send, "run": run, "store": store, "read": read}
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL", shutdown_timeout=1):
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            try:
                answer = commands[command.pop("do")](command)
            except Exception:
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer), flush=True)


main()
