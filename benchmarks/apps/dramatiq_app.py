"""dramatiq on Redis with results."""

from __future__ import annotations

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.ticks import from_environment

app = RedisBroker(url=os.environ["CELERIAC_BENCH_BROKER"])
app.add_middleware(Results(backend=RedisBackend(url=os.environ["CELERIAC_BENCH_BACKEND"])))
dramatiq.set_broker(app)
count_body = from_environment()


@dramatiq.actor(store_results=True)
def tick() -> int:
    count_body()
    return 1


def send() -> Any:
    return tick.send()


def round_trip() -> None:
    tick.send().get_result(block=True, timeout=30_000)


def kept(handle: Any) -> bool:
    return bool(handle.get_result(block=True, timeout=10_000) == 1)
