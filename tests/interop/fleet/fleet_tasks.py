"""One project, run by real Celery and by ours at the same time: which of the two, ``FLEET_SIDE`` says."""

from __future__ import annotations

import json
import os
import time
from typing import Any

if os.environ["FLEET_SIDE"] == "celery":
    from celery import Celery as App
    from celery import group as _group
else:
    from celeriac import Celeriac as App
    from celeriac import group as _group

SIDE = os.environ["FLEET_SIDE"]

app = App("fleet", broker=os.environ["FLEET_URL"], backend=os.environ.get("FLEET_BACKEND") or os.environ["FLEET_URL"], set_as_current=True)
app.conf.update(
    accept_content=["json", "msgpack", "pickle"], result_accept_content=["json", "msgpack", "pickle"], worker_hijack_root_logger=False,
    result_extended=True, broker_connection_retry_on_startup=True, task_default_queue="nobody",
    worker_cancel_long_running_tasks_on_connection_loss=False,
)
app.conf.update(json.loads(os.environ.get("FLEET_CONF", "{}")))

_ledger = os.open(os.environ["FLEET_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write_down(task_id: str, event: str, note: Any = None) -> None:
    """Append one line to the ledger; one write, so that lines of several processes never mix."""
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


class Particular(Exception):
    """An exception that both sides can import."""


@app.task(name="fleet.add", typing=False)
def add(x: Any, y: Any = 0) -> Any:
    return x + y


@app.task(name="fleet.side")
def side(*_results: Any) -> str:
    return SIDE


@app.task(name="fleet.total")
def total(values: list[Any]) -> Any:
    return sum(values)


@app.task(name="fleet.describe")
def describe(*values: Any) -> list[str]:
    return [f"{type(value).__name__} {value!r}" for value in values]


@app.task(name="fleet.request", bind=True)
def request(self: Any, *fields: str) -> dict[str, Any]:
    return {field: getattr(self.request, field, None) for field in fields}


@app.task(name="fleet.fail")
def fail(text: str = "broken") -> None:
    raise ValueError(text, 7)


@app.task(name="fleet.fail_particularly")
def fail_particularly() -> None:
    raise Particular("particular", 1)


@app.task(name="fleet.again", bind=True, max_retries=3)
def again(self: Any, times: int) -> list[Any]:
    write_down(self.request.id, "begin", [self.request.retries, SIDE])
    if self.request.retries < times:
        raise self.retry(countdown=0.1, exc=ValueError("not yet"), queue=None)
    return [self.request.retries, SIDE]


@app.task(name="fleet.again_elsewhere", bind=True, max_retries=3)
def again_elsewhere(self: Any, queues: list[str]) -> list[Any]:
    """Is tried again by another fleet each time."""
    write_down(self.request.id, "begin", [self.request.retries, SIDE])
    if self.request.retries < len(queues):
        raise self.retry(countdown=0.1, queue=queues[self.request.retries], exc=ValueError("elsewhere"))
    return [self.request.retries, SIDE]


@app.task(name="fleet.hold", bind=True, track_started=True)
def hold(self: Any, until: str, state: str = "") -> str:
    """Run until a file is there; meanwhile in a state of its own, if one is named."""
    if state:
        self.update_state(state=state, meta={"done": 3})
    write_down(self.request.id, "begin")
    while not os.path.exists(until):
        time.sleep(0.01)
    write_down(self.request.id, "end")
    return SIDE


@app.task(name="fleet.hold_late", bind=True, acks_late=True)
def hold_late(self: Any, until: str) -> str:
    write_down(self.request.id, "begin", SIDE)
    while not os.path.exists(until):
        time.sleep(0.01)
    write_down(self.request.id, "end", SIDE)
    return SIDE


@app.task(name="fleet.silent", bind=True, ignore_result=True)
def silent(self: Any) -> int:
    write_down(self.request.id, "end", SIDE)
    return 1


@app.task(name="fleet.note", bind=True)
def note(self: Any, *values: Any) -> Any:
    write_down(self.request.id, "note", [SIDE, *values])
    return SIDE


@app.task(name="fleet.note_failure")
def note_failure(failed: Any, error: Any, _traceback: Any) -> None:
    """An errback of the kind that gets the request."""
    write_down(getattr(failed, "id", failed), "errback", [SIDE, type(error).__name__])


@app.task(name="fleet.replaced", bind=True)
def replaced(self: Any, x: Any, queue: str) -> Any:
    """A task in whose place another one runs, in a queue of its own."""
    raise self.replace(add.s(x, 10).set(queue=queue))


@app.task(name="fleet.replaced_by_group", bind=True)
def replaced_by_group(self: Any, x: Any, queue: str) -> Any:
    """A task in whose place two run."""
    raise self.replace(_group([add.s(x, n).set(queue=queue) for n in (10, 20)]))


@app.task(name="fleet.stamps", bind=True)
def stamps(self: Any, *_results: Any) -> Any:
    return self.request.stamps


@app.task(name="fleet.count", bind=True, ignore_result=True, acks_late=True)
def count(self: Any) -> None:
    write_down(self.request.id, "end", SIDE)


if SIDE == "ours" and os.environ.get("FLEET_SET_ASIDE"):
    del app.tasks["fleet.count"]
