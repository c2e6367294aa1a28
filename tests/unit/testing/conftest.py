"""An application with tasks, and the block that tests it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.testing import Stand, testing

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def app() -> Iterator[Celeriac]:
    with Celeriac("shop", broker="redis://nowhere.invalid", backend="redis://nowhere.invalid", set_as_current=False) as made:
        yield made


@pytest.fixture
def tasks(app: Celeriac) -> Any:
    seen: list[Any] = []

    @app.task(name="add")
    def add(x: int, y: int = 0) -> int:
        seen.append(x)
        return x + y

    @app.task(name="total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @app.task(name="fails")
    def fails(message: str = "no") -> None:
        raise ValueError(message)

    @app.task(name="flaky", bind=True, max_retries=3, default_retry_delay=60)
    def flaky(self: Any, times: int) -> int:
        if self.request.retries < times:
            raise self.retry()
        return int(self.request.retries)

    return SimpleNamespace(add=add, total=total, fails=fails, flaky=flaky, seen=seen)


@pytest.fixture
def t(app: Celeriac, tasks: Any) -> Iterator[Stand]:
    with testing(app, start=T0) as made:
        yield made
