"""Parts and bodies of chords that write down what they are delivered."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from celeriac import Celeriac, chord

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))

_ledger = os.open(os.environ["CELERIAC_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write_down(task_id: str, event: str, note: Any = None) -> None:
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


@app.task
def early(seconds: float, value: Any) -> Any:
    time.sleep(seconds)
    return value


@app.task(acks_late=True, reject_on_worker_lost=True)
def safe(seconds: float, value: Any) -> Any:
    time.sleep(seconds)
    return value


@app.task(acks_late=True, reject_on_worker_lost=True)
def fails(seconds: float) -> None:
    time.sleep(seconds)
    raise ValueError("broken")


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def gathered(self: Any, values: Any) -> Any:
    """A body that is not lost with its worker: it may begin again then."""
    write_down(self.request.id, "late body", values)
    return values


@app.task(bind=True)
def gathered_once(self: Any, values: Any) -> Any:
    """A body that is acknowledged early: it begins again only when that acknowledgement was lost on its way."""
    write_down(self.request.id, "again" if self.request.delivery_info.get("redelivered") else "body", values)
    return values


@app.task(acks_late=True, reject_on_worker_lost=True)
def noted(task_id: str) -> None:
    """An errback."""
    write_down(task_id, "errback")


@app.task(bind=True)
def grows(self: Any, times: int) -> int:
    """Adds parts to its own chord."""
    for n in range(times):
        self.add_to_chord(safe.s(0.0, n))
    return -1


@app.task(bind=True)
def gives_way(self: Any, values: list[Any]) -> Any:
    """Puts a chord in its place."""
    return self.replace(chord([safe.s(0.0, n) for n in values], gathered.s()))
