"""Executors in a thread of a program that does other things."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.model.errors import ImproperlyConfigured
from celeriac.testing.worker import start_worker


def make(name: str) -> Any:
    app = Celeriac(name, broker=f"memory://{name}", backend=f"cache+memory://{name}", set_as_current=False)

    @app.task(name="double")
    def double(x: int) -> int:
        return 2 * x

    @app.task(name="nap")
    async def nap(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    return app


@pytest.mark.parametrize("pool", ["solo", "threads", "asyncio"])
def test_tasks_run_beside_the_program(pool: str) -> None:
    app = make(f"in-thread-{pool}")
    with start_worker(app, pool=pool, concurrency=4):
        results = [app.tasks["double"].delay(n) for n in range(50)]
        assert [result.get(timeout=5) for result in results] == [2 * n for n in range(50)]
        assert app.tasks["nap"].delay(0.01).get(timeout=5) == 0.01


def test_coroutines_run_side_by_side() -> None:
    app = make("in-thread-many")
    begun = time.monotonic()
    with start_worker(app, pool="asyncio", concurrency=50):
        results = [app.tasks["nap"].delay(0.2) for _ in range(50)]
        assert {result.get(timeout=5) for result in results} == {0.2}

    assert time.monotonic() - begun < 3


def test_executors_that_need_the_process_to_themselves_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="Only the executors solo and threads and asyncio can run inside another program"), start_worker(
        make("in-thread-prefork"), pool="prefork"
    ):
        pass
