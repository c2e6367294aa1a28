"""arq on Redis, looking for work every ten milliseconds instead of every half second."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

from benchmarks.ticks import from_environment

settings = RedisSettings.from_dsn(os.environ["CELERIAC_BENCH_BROKER"])
count_body = from_environment()
loop = asyncio.new_event_loop()
pools: list[Any] = []


async def tick(context: dict[str, Any]) -> int:
    count_body()
    return 1


class WorkerSettings:
    functions = (tick,)
    redis_settings = settings
    poll_delay = 0.01
    max_jobs = 100


async def _send() -> Any:
    if not pools:
        pools.append(await create_pool(settings))
    return await pools[0].enqueue_job("tick")


def send() -> Any:
    return loop.run_until_complete(_send())


def round_trip() -> None:
    kept(send())


def kept(handle: Any) -> bool:
    return bool(loop.run_until_complete(handle.result(timeout=30, poll_delay=0.001)) == 1)
