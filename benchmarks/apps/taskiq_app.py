"""taskiq on Redis lists with results."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from benchmarks.ticks import from_environment

app = ListQueueBroker(os.environ["CELERIAC_BENCH_BROKER"]).with_result_backend(RedisAsyncResultBackend(os.environ["CELERIAC_BENCH_BACKEND"]))
count_body = from_environment()
loop = asyncio.new_event_loop()


@app.task(task_name="bench.tick")
async def tick() -> int:
    count_body()
    return 1


def send() -> Any:
    return loop.run_until_complete(tick.kiq())


def round_trip() -> None:
    kept(send())


def kept(handle: Any) -> bool:
    return bool(loop.run_until_complete(handle.wait_result(check_interval=0.001, timeout=30)).return_value == 1)
