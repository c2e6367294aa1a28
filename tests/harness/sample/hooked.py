"""Tasks, steps and receivers for the tests of what hangs on to a worker; copied into a project's folder as ``tasks.py``."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from click import Option

from celeriac import Celeriac, Task, bootsteps, signals
from celeriac.log import get_task_logger

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))
app.user_options["worker"].add(Option(("--tint",), default="none", help="A colour of the project's own."))
app.user_options["preload"].add(Option(("-Z", "--template"), default="plain", help="A template of the project's own."))

MODE = os.environ.get("HOOKED", "")
MAIN = os.getpid()
_ledger = os.open(os.environ["CELERIAC_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write_down(task_id: str, event: str, note: Any = None) -> None:
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


class Traced(Task):
    """Writes down its handlers."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        write_down(task_id, "trace", ["before_start", ["args", "kwargs", "task_id"], threading.get_ident()])

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        write_down(task_id, "trace", ["on_success", [], threading.get_ident()])
        if retval == "breaks":
            raise KeyError("the handler is broken")

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        write_down(task_id, "trace", ["on_failure", [], threading.get_ident()])

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        write_down(task_id, "trace", ["on_retry", [], threading.get_ident()])

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        write_down(task_id, "trace", ["after_return", [], threading.get_ident()])


@app.task(bind=True, base=Traced, max_retries=1, default_retry_delay=0)
def outcome(self: Any, kind: str = "returns") -> str:
    write_down(self.request.id, "trace", ["run", [], threading.get_ident()])
    if kind == "raises":
        raise ValueError("on purpose")
    if kind == "retries" and not self.request.retries:
        raise self.retry(countdown=0)
    return kind


@app.task(bind=True)
def waits(self: Any, seconds: float) -> str:
    write_down(self.request.id, "begin")
    time.sleep(seconds)
    write_down(self.request.id, "end")
    return "waited"


@app.task(bind=True)
async def naps(self: Any, seconds: float) -> str:
    write_down(self.request.id, "begin")
    await asyncio.sleep(seconds)
    write_down(self.request.id, "end")
    return "napped"


@app.task(bind=True)
def grows(self: Any, megabytes: int) -> int:
    write_down(self.request.id, "begin")
    grown = bytearray(megabytes << 20)
    time.sleep(30)
    return len(grown)


@app.task
def keeps(megabytes: int) -> int:
    """Grows its process after its end, as a thread of some library may."""
    kept: list[bytearray] = []

    def grow() -> None:
        time.sleep(0.3)
        kept.append(bytearray(megabytes << 20))
        time.sleep(60)

    threading.Thread(target=grow, daemon=True).start()
    return os.getpid()


@app.task
def talks() -> int:
    get_task_logger(__name__).warning("said by the task", extra={"tenant": "acme"})
    logging.getLogger("some.package").warning("said by a package")
    print("printed")
    return 1


class Liveness(bootsteps.StartStopStep):
    """Touches a file while the worker lives."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, tint: str = "", **options: Any) -> None:
        self.file = Path(f"alive-{tint}")

    def start(self, worker: Any) -> None:
        write_down("", "step", ["start", worker.hostname, worker.concurrency, worker.pid])
        worker.timer.call_repeatedly(0.05, self.touch, (worker,), priority=10)

    def touch(self, worker: Any) -> None:
        self.file.touch()

    def stop(self, worker: Any) -> None:
        self.file.unlink(missing_ok=True)
        write_down("", "step", ["stop", worker.hostname, 0, 0])


class Kombu(bootsteps.ConsumerStep):
    """Consumes with kombu, which cannot be."""

    def get_consumers(self, channel: Any) -> Any:
        return [channel]


class Broken(bootsteps.StartStopStep):
    """Cannot start."""

    def start(self, worker: Any) -> None:
        raise OSError("no such port")


_STEPS: dict[str, tuple[str, type]] = {"liveness": ("worker", Liveness), "kombu": ("consumer", Kombu), "broken": ("consumer", Broken)}
if MODE in _STEPS:
    app.steps[_STEPS[MODE][0]].add(_STEPS[MODE][1])


@signals.user_preload_options.connect(weak=False)
def note_options(app: Any, options: Any, **_: Any) -> None:
    write_down("", "preload", [app.main, options])


def trace(name: str, signal: Any) -> None:
    def receiver(sender: Any = None, **named: Any) -> None:
        request = named.get("request")
        found = named.get("task_id") or getattr(request, "id", "") or (getattr(sender.request, "id", "") if name == "task_success" else "")
        found = found or (named.get("headers") or {}).get("id", "")
        write_down(found or "", "trace", [name, sorted(named), threading.get_ident()])

    signal.connect(receiver, weak=False)


if MODE == "trace":
    for each in [name for name, value in vars(signals).items() if isinstance(value, signals.Signal)]:
        if each != "setup_logging":
            trace(each, getattr(signals, each))
