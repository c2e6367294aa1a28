"""saq on Redis."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from saq import Queue

from benchmarks.ticks import from_environment

queue = Queue.from_url(os.environ["CELERIAC_BENCH_BROKER"])
count_body = from_environment()
loop = asyncio.new_event_loop()


async def tick(context: dict[str, Any]) -> int:
    count_body()
    return 1


settings = {"queue": queue, "functions": [tick], "concurrency": 100}


async def _send() -> Any:
    return await queue.enqueue("tick")


async def _kept(job: Any) -> bool:
    while not job.completed:
        await job.refresh()
    return bool(job.result == 1)


def send() -> Any:
    return loop.run_until_complete(_send())


def round_trip() -> None:
    loop.run_until_complete(queue.apply("tick", timeout=30, poll_interval=0.001))


def kept(handle: Any) -> bool:
    return loop.run_until_complete(_kept(handle))
