from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from celeriac import Celeriac, exceptions
from celeriac.exceptions import OperationalError


@pytest.fixture
def add(app: Celeriac) -> Any:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    return add


def test_a_coroutine_sends_and_awaits(app: Celeriac, add: Any, start_worker: Callable[[], Any]) -> None:
    start_worker()

    async def main() -> Any:
        result = await add.adelay(2, 3)
        return await result, await result

    assert asyncio.run(main()) == (5, 5)


def test_what_is_sent_at_the_same_time_is_published_together(app: Celeriac, add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    threads: set[str] = set()
    publish = app.broker.publish
    entered, go = threading.Event(), threading.Event()

    def slow(outgoing: Any) -> None:
        entered.set()
        go.wait(5)
        sizes.append(len(outgoing))
        threads.add(threading.current_thread().name)
        publish(outgoing)

    monkeypatch.setattr(app.broker, "publish", slow)

    async def main() -> None:
        first = asyncio.ensure_future(add.adelay(0, 0))
        while not entered.is_set():
            await asyncio.sleep(0)
        others = [asyncio.ensure_future(add.adelay(i, i)) for i in range(50)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, *others)

    asyncio.run(main())

    assert sizes == [1, 50]
    assert {name.rpartition("_")[0] for name in threads} == {"celeriac-publish"}


def test_the_loop_is_not_blocked_by_a_slow_broker(app: Celeriac, add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(app.broker, "publish", lambda outgoing: go.wait(5))

    async def main() -> int:
        sending = asyncio.ensure_future(add.adelay(1, 1))
        turns = 0
        while turns < 100:
            await asyncio.sleep(0)
            turns += 1
        go.set()
        await sending
        return turns

    assert asyncio.run(main()) == 100


def test_an_error_of_the_broker_is_raised_where_it_is_awaited(app: Celeriac, add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(outgoing: Any) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(app.broker, "publish", refuse)

    with pytest.raises(OperationalError, match="refused"):
        asyncio.run(add.aapply_async((1, 1), retry=False))
    with pytest.raises(TypeError, match="missing 1 required"):
        asyncio.run(add.adelay(1))


def test_waiting_ends_with_its_timeout(app: Celeriac) -> None:
    async def main() -> None:
        await app.AsyncResult("nothing").aget(timeout=0.05)

    with pytest.raises(exceptions.TimeoutError, match=r"nothing was not ready within 0\.05 seconds"):
        asyncio.run(main())


def test_many_coroutines_wait_on_one_watch(app: Celeriac, add: Any, start_worker: Callable[[], Any]) -> None:
    start_worker()

    async def one(i: int) -> Any:
        return await (await add.adelay(i, 1))

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(one(i) for i in range(100))))

    before = threading.active_count()
    begun = time.monotonic()

    assert asyncio.run(main()) == [i + 1 for i in range(100)]
    assert threading.active_count() - before <= 4
    assert time.monotonic() - begun < 5
