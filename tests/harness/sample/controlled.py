"""Tasks for the tests of remote control, revocation and rate limits; copied into a project's folder as ``tasks.py``."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from celeriac import Celeriac, signals
from celeriac.control import control_command, inspect_command
from celeriac.exceptions import SoftTimeLimitExceeded

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))

_ledger = os.open(os.environ["CELERIAC_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write_down(task_id: str, event: str, note: Any = None) -> None:
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task(bind=True)
def early(self: Any, seconds: float = 0.0) -> None:
    write_down(self.request.id, "begin")
    time.sleep(seconds)
    write_down(self.request.id, "end")


@app.task(bind=True, acks_late=True)
def late(self: Any, seconds: float = 0.0) -> None:
    write_down(self.request.id, "begin")
    time.sleep(seconds)
    write_down(self.request.id, "end")


@app.task(bind=True)
def stubborn(self: Any) -> None:
    """Deep in code that no handler interrupts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    write_down(self.request.id, "begin")
    time.sleep(60)


@app.task(bind=True)
def says_goodbye(self: Any) -> str:
    write_down(self.request.id, "begin")
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        return "goodbye"
    return "not reached"


@app.task(bind=True)
def says_when(self: Any) -> str:
    signal.signal(signal.SIGTERM, lambda *_: write_down(self.request.id, "signalled"))
    write_down(self.request.id, "begin")
    time.sleep(60)
    return "not reached"


@app.task(bind=True, rate_limit="20/s")
def limited(self: Any) -> None:
    write_down(self.request.id, "begin")


@app.task(bind=True, rate_limit="1/h")
def rare(self: Any) -> None:
    write_down(self.request.id, "begin")


@app.task(bind=True, rate_limit="40/s", rate_limit_scope="cluster")
def shared(self: Any) -> None:
    write_down(self.request.id, "begin")


@app.task(bind=True, rate_limit="10/s", rate_limit_scope="cluster", rate_limit_key="tenant")
def by_tenant(self: Any, number: int, tenant: str) -> None:
    write_down(self.request.id, "begin", tenant)


@app.task(bind=True)
def free(self: Any) -> float:
    write_down(self.request.id, "begin")
    return time.time()


@inspect_command()
def whoami(state: Any, **_: Any) -> dict[str, str]:
    """Tell the worker's name."""
    return {"ok": f"I am {state.hostname}"}


@control_command(args=[("factor", int)], signature="<factor>")
def multiply(state: Any, factor: int) -> int:
    """Multiply six by a number."""
    return 6 * factor


@control_command
def breaks(state: Any) -> None:
    raise RuntimeError("broken command")


@signals.task_revoked.connect(weak=False)
def note_revoked(sender: Any = None, request: Any = None, **named: Any) -> None:
    write_down(request.id, "signal", [sender.name, named["terminated"], named["signum"], named["expired"]])
