"""A listener and a sender of events of either kind: one JSON command a line on stdin, one JSON answer a line on stdout."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from typing import Any

import fleet_tasks
from fleet_tasks import app

events: list[dict[str, Any]] = []
listening = threading.Event()


def _listen() -> None:
    if fleet_tasks.SIDE == "celery":
        with app.connection() as connection:
            receiver = app.events.Receiver(connection, handlers={"*": events.append})
            receiver.on_consume_ready = lambda *args, **named: listening.set()
            receiver.capture(limit=None, timeout=None, wakeup=True)
    else:
        receiver = app.events.Receiver(handlers={"*": events.append})
        receiver.on_ready = listening.set
        receiver.capture(wakeup=True)


def listen(_command: dict[str, Any]) -> dict[str, Any]:
    """Begin to listen."""
    threading.Thread(target=_listen, daemon=True).start()
    return {"listening": listening.wait(20)}


def heard(command: dict[str, Any]) -> dict[str, Any]:
    """Return what was heard of one call or node, once there is an event of a type."""
    deadline = time.monotonic() + command["timeout"]
    while True:
        found = [event for event in list(events) if command["about"] in (event.get("uuid"), event["hostname"])]
        if any(event["type"] == command["type"] for event in found) or time.monotonic() > deadline:
            return {"events": found}
        time.sleep(0.02)


def remote(command: dict[str, Any]) -> dict[str, Any]:
    """Ask workers by remote control, or tell them: any method of ``app.control`` or ``app.control.inspect``."""
    where = app.control.inspect(command["nodes"], timeout=command["timeout"]) if command["inspect"] else app.control
    named = command["arguments"]
    if not command["inspect"]:
        named = {**named, "destination": command["nodes"], "reply": True, "timeout": command["timeout"]}
    began = time.monotonic()
    return {"answer": getattr(where, command["method"])(*command["words"], **named), "seconds": time.monotonic() - began}


def send(command: dict[str, Any]) -> dict[str, Any]:
    """Send a call."""
    return {"id": app.tasks[command["name"]].apply_async(command["args"], queue=command["queue"], **command.get("options", {})).id}


def main() -> None:
    """Answer until stdin ends."""
    commands = {"listen": listen, "heard": heard, "remote": remote, "send": send}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = commands[command["do"]](command)
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer, default=repr), flush=True)


main()
