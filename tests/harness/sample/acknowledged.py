"""One task for each policy of acknowledgement, which ends in whatever way it is told to."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from celeriac import Celeriac
from celeriac.engine.acknowledgement_page import POLICIES
from celeriac.exceptions import Ignore, Reject

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))

LEDGER = os.environ["CELERIAC_TEST_LEDGER"]
_ledger = os.open(LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
DEADLINE = 60.0


def write_down(task_id: str, event: str, note: Any = None) -> None:
    """Append one line to the ledger."""
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


def _is_first(task_id: str) -> bool:
    try:
        os.close(os.open(f"{LEDGER}.{task_id}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def _wait_for(name: str) -> None:
    """Run until a file of this name stands beside the ledger."""
    deadline = time.monotonic() + DEADLINE
    while not os.path.exists(f"{LEDGER}.{name}") and time.monotonic() < deadline:
        time.sleep(0.01)


@app.task
def stands_in() -> str:
    return "instead"


def _raise(error: BaseException) -> None:
    raise error


def end(task: Any, way: str) -> str:
    """End an attempt; the second one returns, except of a task that always dies."""
    first = _is_first(task.request.id)
    write_down(task.request.id, "begin", way)
    if way in ("dies_always", "dies") and (first or way == "dies_always"):
        print(f"{task.request.id} is about to die", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if first:
        ways = {
            "raises": lambda: _raise(ValueError(way)),
            "retries": lambda: task.retry(countdown=0),
            "replaces": lambda: task.replace(stands_in.si()),
            "ignores": lambda: _raise(Ignore()),
            "rejects": lambda: _raise(Reject(way)),
            "puts_back": lambda: _raise(Reject(way, requeue=True)),
            "soft_limit": lambda: time.sleep(DEADLINE),
            "hard_limit": lambda: time.sleep(DEADLINE),
            "returns": lambda: None,
        }
        ways.get(way, lambda: _wait_for(way))()
    return "first" if first else "again"


def _task(name: str, options: dict[str, Any]) -> None:
    @app.task(bind=True, name=f"tasks.{name}", max_retries=1, default_retry_delay=0, **options)
    def policy(self: Any, way: str) -> str:
        return end(self, way)


for each in POLICIES:
    _task(each.name, dict(each.options))
