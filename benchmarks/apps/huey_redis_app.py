"""huey on Redis, told at once when a result is there."""

from __future__ import annotations

import os
from typing import Any

from huey import RedisHuey

from benchmarks.ticks import from_environment

app = RedisHuey("bench", url=os.environ["CELERIAC_BENCH_BROKER"], notify_result=True)
count_body = from_environment()


@app.task()
def tick() -> int:
    count_body()
    return 1


def send() -> Any:
    return tick()


def round_trip() -> None:
    tick().get(blocking=True, timeout=30)


def kept(handle: Any) -> bool:
    return bool(handle.get(blocking=True, timeout=10) == 1)
