"""Tasks for the tests of executors: copied into a project's folder in place of ``tasks.py``."""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import threading
import time
from typing import Any

from celeriac import Celeriac
from celeriac.exceptions import SoftTimeLimitExceeded

app = Celeriac("tasks")
app.conf.update(json.loads(os.environ.get("CELERIAC_TEST_CONF", "{}")))

_ledger = os.open(os.environ["CELERIAC_TEST_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
here: contextvars.ContextVar[str] = contextvars.ContextVar("here", default="nothing")


def write_down(task_id: str, event: str, note: Any = None) -> None:
    line = json.dumps({"id": task_id, "event": event, "pid": os.getpid(), "at": time.time(), "note": note})
    os.write(_ledger, line.encode() + b"\n")


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def thread_of() -> list[Any]:
    return [os.getpid(), threading.get_ident()]


@app.task(bind=True)
def sleeps(self: Any, seconds: float) -> str:
    write_down(self.request.id, "begin")
    time.sleep(seconds)
    write_down(self.request.id, "end")
    return "slept"


@app.task(bind=True, acks_late=True)
def sleeps_late(self: Any, seconds: float) -> str:
    write_down(self.request.id, "begin", self.request.delivery_info["redelivered"])
    time.sleep(seconds)
    write_down(self.request.id, "end")
    return "slept"


@app.task
def loses(reason: str) -> None:
    raise ValueError(reason)


@app.task(bind=True)
async def naps(self: Any, seconds: float) -> str:
    write_down(self.request.id, "begin")
    await asyncio.sleep(seconds)
    write_down(self.request.id, "end")
    return "napped"


@app.task(bind=True)
async def naps_until_cancelled(self: Any) -> str:
    write_down(self.request.id, "begin")
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        write_down(self.request.id, "cancelled")
        raise
    return "not reached"


@app.task(bind=True, acks_late=True)
async def naps_late(self: Any, seconds: float) -> str:
    write_down(self.request.id, "begin")
    await asyncio.sleep(seconds)
    return "napped"


@app.task(bind=True)
async def keeps_its_context(self: Any, word: str) -> list[str]:
    before = here.get()
    here.set(word)
    await asyncio.sleep(0.02)
    return [before, here.get(), self.request.args[0]]


@app.task(bind=True)
async def tells_progress(self: Any, file_to_wait_for: str) -> str:
    await self.aupdate_state(state="PROGRESS", meta={"done": 1})
    while not os.path.exists(file_to_wait_for):
        await asyncio.sleep(0.005)
    return "done"


@app.task
async def asks_others(count: int) -> int:
    results = await asyncio.gather(*(add.adelay(n, n) for n in range(count)))
    return sum(await asyncio.gather(*results))


@app.task
async def raises_in_coroutine() -> None:
    await asyncio.sleep(0)
    raise KeyError("inside")


@app.task(bind=True, max_retries=2, default_retry_delay=0)
async def retries(self: Any) -> int:
    await asyncio.sleep(0)
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return int(self.request.retries)


@app.task(soft_time_limit=0.2)
async def over_soft_limit() -> str:
    begun = time.monotonic()
    try:
        await asyncio.sleep(30)
    except SoftTimeLimitExceeded:
        return f"{time.monotonic() - begun:.3f}"
    return "not reached"


@app.task(time_limit=0.3)
async def over_hard_limit() -> None:
    await asyncio.sleep(30)


@app.task(time_limit=0.3)
async def ignores_its_cancellation() -> str:
    for _ in range(100):
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            continue
    return "not reached"


@app.task
async def waits(seconds: float) -> None:
    await asyncio.sleep(seconds)


@app.task(bind=True, soft_time_limit=1)
def sleeps_over_a_second(self: Any) -> None:
    begun = time.monotonic()
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        write_down(self.request.id, "soft", time.monotonic() - begun)


@app.task(bind=True, soft_time_limit=0.3)
def sleeps_over_soft_limit(self: Any) -> str:
    begun = time.monotonic()
    try:
        time.sleep(30)
    except SoftTimeLimitExceeded:
        return f"{time.monotonic() - begun:.3f}"
    return "not reached"


@app.task(time_limit=0.3)
def sleeps_over_hard_limit() -> None:
    time.sleep(30)


@app.task(time_limit=0.3)
def ignores_its_end() -> None:
    for _ in range(10):
        try:
            time.sleep(3)
        except BaseException:
            continue


@app.task
def calculates(seconds: float) -> None:
    """Hold up every other task of an executor whose tasks have to yield."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@app.task
async def calculates_on_the_loop(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@app.task
def ticks(seconds: float) -> float:
    """Return the longest pause (seconds) between two ticks of 5 ms."""
    longest, last, end = 0.0, time.monotonic(), time.monotonic() + seconds
    while last < end:
        time.sleep(0.005)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


@app.task
async def ticks_on_the_loop(seconds: float) -> float:
    longest, last, end = 0.0, time.monotonic(), time.monotonic() + seconds
    while last < end:
        await asyncio.sleep(0.005)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest
