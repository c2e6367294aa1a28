"""celeriac as it comes: the embedded default, unless the environment names a broker."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from benchmarks.ticks import NAP_VARIABLE, from_environment
from celeriac import Celeriac, group

broker = os.environ.get("CELERIAC_BENCH_BROKER")
app = Celeriac("bench", broker=broker, backend=os.environ.get("CELERIAC_BENCH_BACKEND")) if broker else Celeriac("bench")
app.conf.task_ignore_result = ignored = os.environ.get("CELERIAC_BENCH_BACKEND") == "disabled://"
app.conf.task_workflow_parts = os.environ.get("CELERIAC_BENCH_PARTS", "auto")
count_body = from_environment()
nap = float(os.environ.get(NAP_VARIABLE) or 0)


@app.task(name="bench.tick")
def tick() -> int:
    count_body()
    return 1


@app.task(name="bench.nap")
async def take_a_nap() -> int:
    await asyncio.sleep(nap)
    count_body()
    return 1


def send() -> Any:
    return take_a_nap.delay() if nap else tick.delay()


def send_many(count: int) -> None:
    group(tick.s() for _ in range(count)).apply_async()


def round_trip() -> None:
    tick.delay().get(timeout=30)


def kept(handle: Any) -> bool:
    return ignored or bool(handle.get(timeout=10) == 1)
