"""huey on SQLite."""

from __future__ import annotations

import os
from typing import Any

from huey import SqliteHuey

from benchmarks.ticks import from_environment

app = SqliteHuey("bench", filename=os.path.join(os.environ.get("CELERIAC_BENCH_FOLDER", "/tmp"), "huey.sqlite"))
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
