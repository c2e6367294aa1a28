"""Celery on SQLite: its SQLAlchemy transport and database result backend."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, group

from benchmarks.ticks import from_environment

folder = os.environ.get("CELERIAC_BENCH_FOLDER", "/tmp")
app = Celery(
    "bench",
    broker=os.environ.get("CELERIAC_BENCH_BROKER", f"sqla+sqlite:///{folder}/celery-broker.sqlite"),
    backend=os.environ.get("CELERIAC_BENCH_BACKEND", f"db+sqlite:///{folder}/celery-results.sqlite"),
)
app.conf.task_ignore_result = ignored = os.environ.get("CELERIAC_BENCH_BACKEND") == "disabled://"
count_body = from_environment()


@app.task(name="bench.tick")
def tick() -> int:
    count_body()
    return 1


def send() -> Any:
    return tick.delay()


def send_many(count: int) -> None:
    group(tick.s() for _ in range(count)).apply_async()


def round_trip() -> None:
    tick.delay().get(timeout=30)


def kept(handle: Any) -> bool:
    return ignored or bool(handle.get(timeout=10) == 1)
