"""The tasks of the test projects: copied into each project's folder, run by real workers."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from typing import Any

from celeriac import Celeriac
from celeriac.exceptions import Ignore, Reject, SoftTimeLimitExceeded

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))

_ledger = os.open(os.environ["CELERIAC_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def write_down(task_id: str, event: str, note: Any = None) -> None:
    """Append one line to the ledger; one write, so that lines of several processes never mix."""
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


def work(request: Any, seconds: float, value: Any = None) -> Any:
    """Take some time, written down before and after."""
    write_down(request.id, "begin", request.retries)
    time.sleep(seconds)
    write_down(request.id, "end")
    return value


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def echo(*args: Any, **kwargs: Any) -> list[Any]:
    return [list(args), kwargs]


@app.task
def repeat(character: str, times: int) -> str:
    return character * times


@app.task(bind=True)
def early(self: Any, seconds: float = 0.0, value: Any = None) -> Any:
    return work(self.request, seconds, value)


@app.task(bind=True, acks_late=True)
def late(self: Any, seconds: float = 0.0, value: Any = None) -> Any:
    return work(self.request, seconds, value)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def safe(self: Any, seconds: float = 0.0, value: Any = None) -> Any:
    return work(self.request, seconds, value)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def gathered(self: Any, values: Any) -> Any:
    """The body of a chord that is not lost with its worker."""
    return work(self.request, 0.0, values)


@app.task(bind=True)
def request_fields(self: Any, *fields: str) -> dict[str, Any]:
    return {field: getattr(self.request, field) for field in fields}


@app.task(bind=True)
def started_at(self: Any) -> float:
    write_down(self.request.id, "begin")
    return time.time()


@app.task(bind=True, ignore_result=True)
def ignored(self: Any) -> int:
    write_down(self.request.id, "end")
    return 1


@app.task(bind=True, track_started=True)
def tracked(self: Any, seconds: float) -> str:
    return str(work(self.request, seconds, "done"))


@app.task(bind=True)
def reports_progress(self: Any, file_to_wait_for: str) -> str:
    self.update_state(state="PROGRESS", meta={"done": 3, "of": 7})
    write_down(self.request.id, "begin")
    while not os.path.exists(file_to_wait_for):
        time.sleep(0.005)
    return "done"


@app.task
async def asynchronous(seconds: float, value: Any) -> Any:
    await asyncio.sleep(seconds)
    return value


# --- ways to end


def _die(how: str) -> None:
    if how == "exit":
        sys.exit(3)
    if how == "_exit":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "abort":
        os.abort()


@app.task(bind=True)
def dies(self: Any, how: str) -> str:
    write_down(self.request.id, "begin")
    _die(how)
    return "survived"


@app.task(bind=True, acks_late=True)
def dies_late(self: Any, how: str) -> str:
    write_down(self.request.id, "begin")
    _die(how)
    return "survived"


@app.task(bind=True, acks_late=True)
def kills_its_worker(self: Any) -> None:
    """Take the whole worker along, as the kernel does that ends a control group which is out of memory."""
    write_down(self.request.id, "begin")
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=False)
def dies_late_once(self: Any, how: str) -> str:
    write_down(self.request.id, "begin")
    _die(how)
    return "survived"


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def dies_once(self: Any, how: str) -> str:
    write_down(self.request.id, "begin", {"redelivered": self.request.delivery_info.get("redelivered")})
    if not self.request.delivery_info.get("redelivered"):
        _die(how)
    return "survived"


@app.task(bind=True, acks_late=True, retry_on_worker_lost=True, max_retries=2, default_retry_delay=0)
def dies_always(self: Any, how: str) -> str:
    write_down(self.request.id, "begin", self.request.retries)
    _die(how)
    return "survived"


@app.task(bind=True)
def fails(self: Any, text: str = "broken") -> None:
    write_down(self.request.id, "begin")
    raise ValueError(text)


@app.task(throws=(KeyError,))
def fails_as_expected() -> None:
    raise KeyError("expected")


class Peculiar(Exception):
    """An exception that cannot be built from its args."""

    __slots__ = ("callback",)

    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{code}: {detail}", lambda: code)
        self.callback = lambda: code


class Unprintable(Exception):
    """An exception whose text and representation raise."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def _nasty(kind: str) -> BaseException:
    local = type("Local", (Exception,), {"__module__": "no.such.module"})
    recursive = ValueError("outer")
    recursive.__cause__ = TypeError("inner")
    recursive.__cause__.__cause__ = recursive
    return {
        "peculiar": lambda: Peculiar(7, detail="seven"), "unprintable": Unprintable, "local": lambda: local("unknown here"),
        "recursive": lambda: recursive, "huge": lambda: ValueError("x" * 10_000_000), "surrogate": lambda: ValueError("bad \udc80 text"),
        "object": lambda: ValueError(object(), lambda: 1, {1: {2}}), "many": lambda: ValueError(*range(100_000)),
        "group": lambda: ExceptionGroup("several", [ValueError("a"), KeyError("b")]), "bytes": lambda: OSError(5, b"\xff\xfe"),
        "base": lambda: BaseExceptionGroup("base", [ValueError("a")]),
    }[kind]()


@app.task
def raises_nasty(kind: str) -> None:
    raise _nasty(kind)


@app.task
def returns_what_cannot_be_stored() -> Any:
    return {"rows": [1, object()]}


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def retries_until(self: Any, succeed_at: int) -> int:
    write_down(self.request.id, "begin", self.request.retries)
    if self.request.retries < succeed_at:
        raise self.retry(countdown=0.02, exc=ValueError("not yet"))
    return int(self.request.retries)


@app.task(bind=True, autoretry_for=(ConnectionError,), retry_backoff=False, max_retries=2, default_retry_delay=0)
def retries_by_itself(self: Any) -> None:
    write_down(self.request.id, "begin", self.request.retries)
    raise ConnectionError("away")


@app.task(bind=True, max_retries=1)
def retries_without_reason(self: Any) -> None:
    write_down(self.request.id, "begin", self.request.retries)
    self.retry(countdown=0)


@app.task(bind=True, acks_late=True)
def retries_late(self: Any) -> int:
    write_down(self.request.id, "begin", self.request.retries)
    if self.request.retries == 0:
        self.retry(countdown=0, args=(), kwargs={})
    return int(self.request.retries)


@app.task(bind=True)
def raises_ignore(self: Any) -> None:
    write_down(self.request.id, "end")
    raise Ignore


@app.task(bind=True, acks_late=True)
def rejects(self: Any, requeue: bool) -> str:
    write_down(self.request.id, "begin")
    if self.request.delivery_info.get("redelivered"):
        return "second time"
    raise Reject("not for me", requeue=requeue)


# --- time limits


@app.task(bind=True, soft_time_limit=0.3)
def over_soft_limit(self: Any) -> str:
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        write_down(self.request.id, "soft")
        return "cleaned up"
    return "not reached"


@app.task(soft_time_limit=0.3)
def over_soft_limit_uncaught() -> None:
    time.sleep(30)


@app.task(bind=True, time_limit=0.5)
def over_hard_limit(self: Any) -> None:
    write_down(self.request.id, "begin")
    while True:
        try:
            time.sleep(30)
        except BaseException:
            continue


@app.task(bind=True, soft_time_limit=0.3, time_limit=0.8)
def ignores_soft_limit(self: Any) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            time.sleep(1)
        except SoftTimeLimitExceeded:
            write_down(self.request.id, "soft")


# --- handlers and signals


class Handling(app.Task):  # type: ignore[name-defined,misc]
    """Writes down the order of its handlers."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        write_down(task_id, "handler", "before_start")

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        write_down(task_id, "handler", "on_success")

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        write_down(task_id, "handler", f"on_failure {type(exc).__name__}")

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        write_down(task_id, "handler", f"on_retry {type(exc).__name__}")

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        write_down(task_id, "handler", f"after_return {status}")


@app.task(base=Handling, bind=True)
def handled(self: Any, how: str) -> str:
    write_down(self.request.id, "handler", "run")
    if how == "fail":
        raise ValueError("handled")
    if how == "retry" and not self.request.retries:
        raise self.retry(countdown=0, exc=ValueError("again"))
    return how


@app.task(base=Handling, bind=True, acks_late=True, reject_on_worker_lost=False, time_limit=0.5)
def handled_death(self: Any, how: str) -> None:
    write_down(self.request.id, "handler", "run")
    _die(how)
    time.sleep(30)


# --- workflows


@app.task
def note_failure(request: Any, exc: Any, traceback: Any) -> None:
    write_down(request.id, "errback", [type(exc).__name__, str(exc)])


@app.task(bind=True)
def note_result(self: Any, value: Any) -> Any:
    write_down(self.request.id, "callback", value)
    return value


@app.task(bind=True)
def calls_another(self: Any) -> str:
    child = add.delay(1, 1)
    return str(child.id)


@app.task
def waits_inside() -> str:
    try:
        return str(add.delay(1, 1).get(timeout=5))
    except RuntimeError as error:
        return f"refused: {error}"


@app.task(bind=True)
def holds_the_interpreter(self: Any, seconds: int = 0) -> None:
    """Sleep in foreign code that does not let go of the interpreter's lock: no other thread of the process runs."""
    if seconds:
        ctypes.PyDLL(None).sleep(seconds)
    write_down(self.request.id, "end")
