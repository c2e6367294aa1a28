"""streaq on Redis."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from streaq import Worker

from benchmarks.ticks import from_environment

app = Worker(redis_url=os.environ["CELERIAC_BENCH_BROKER"], concurrency=100)
count_body = from_environment()
loop = asyncio.new_event_loop()
opened: list[Any] = []


@app.task()
async def tick() -> int:
    count_body()
    return 1


async def _open() -> None:
    if not opened:
        opened.append(await app.__aenter__())


async def _send() -> Any:
    await _open()
    return await tick.enqueue()


async def _send_many(count: int) -> None:
    await _open()
    await app.enqueue_many([tick.enqueue() for _ in range(count)])


async def _result(handle: Any) -> bool:
    return bool((await handle.result(timeout=30)).result == 1)


def send() -> Any:
    return loop.run_until_complete(_send())


def send_many(count: int) -> None:
    loop.run_until_complete(_send_many(count))


def round_trip() -> None:
    kept(send())


def kept(handle: Any) -> bool:
    return loop.run_until_complete(_result(handle))
