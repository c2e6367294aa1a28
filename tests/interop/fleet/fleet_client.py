"""A client of either fleet: one JSON command a line on stdin, one JSON answer a line on stdout. Arguments are Python literals, as text."""

from __future__ import annotations

import datetime
import json
import sys
import time
import traceback
from typing import Any

import fleet_tasks
from fleet_tasks import SIDE, app

if SIDE == "celery":
    from celery import chain, chord, group, signature
else:
    from celeriac.canvas import chain, chord, group, signature

NAMES = {"datetime": datetime, "chain": chain, "chord": chord, "group": group, "signature": signature, "app": app, "now": time.time}
NAMES.update((name.partition(".")[2], task) for name, task in app.tasks.items() if name.startswith("fleet."))


def send(command: dict[str, Any]) -> dict[str, Any]:
    """Send a call."""
    args = eval(command.get("args", "()"), dict(NAMES))
    options = eval(command.get("options", "{}"), dict(NAMES))
    return {"id": NAMES[command["name"]].apply_async(args, **options).id}


def send_many(command: dict[str, Any]) -> dict[str, Any]:
    """Send the same call many times."""
    task = NAMES[command["name"]]
    return {"ids": [task.apply_async((), **command["options"]).id for _ in range(command["count"])]}


def workflow(command: dict[str, Any]) -> dict[str, Any]:
    """Send what an expression builds; returns what ``get`` says of its result."""
    result = eval(command["expression"], dict(NAMES)).apply_async()
    return {"id": result.id, "value": result.get(timeout=command.get("timeout", 10))}


def outcome(command: dict[str, Any]) -> dict[str, Any]:
    """Send what an expression builds; returns how it ended."""
    sent = eval(command["expression"], dict(NAMES)).apply_async()
    value = sent.get(timeout=command.get("timeout", 10), propagate=False)
    return {"id": sent.id, "state": sent.state, "value": _told(value), "kind": type(value).__name__}


def stamped(signature: Any, **stamps: Any) -> Any:
    """Return a signature with stamps."""
    signature.stamp(**stamps)
    return signature


def get(command: dict[str, Any]) -> dict[str, Any]:
    """Wait for a result."""
    result = app.AsyncResult(command["id"])
    value = result.get(timeout=command.get("timeout", 10), propagate=False)
    kind = f"{type(value).__module__}.{type(value).__name__}"
    return {"state": result.state, "value": _told(value), "kind": kind, "traceback": result.traceback}


def look(command: dict[str, Any]) -> dict[str, Any]:
    """Say what stands in the result store now."""
    result = app.AsyncResult(command["id"])
    fields = ("name", "args", "kwargs", "worker", "retries", "queue")
    return {"state": result.state, "info": _told(result.info), **{name: getattr(result, name) for name in fields}}


def _told(value: Any) -> Any:
    return repr(value) if isinstance(value, BaseException) else value


def restore(_command: dict[str, Any]) -> dict[str, Any]:
    """Have Celery put back at once whatever it takes for lost, however new."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        channel.visibility_timeout = -1000
        qos = channel.qos
        for _ in range(3):
            qos.restore_visible(0, 1000, 1)
    return {}


NAMES["stamped"] = stamped


def main() -> None:
    """Answer until stdin ends."""
    commands = {"send": send, "send_many": send_many, "workflow": workflow, "outcome": outcome, "get": get, "look": look, "restore": restore}
    print(json.dumps({"ready": fleet_tasks.SIDE}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = commands[command["do"]](command)
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer, default=repr), flush=True)


main()
