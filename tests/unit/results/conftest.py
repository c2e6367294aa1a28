"""A client with a store in memory, for results alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.lib.ids import uuid
from celeriac.model.record import ResultMeta


@pytest.fixture
def app() -> Iterator[Celeriac]:
    made = Celeriac("results", broker="memory://", backend=f"cache+memory://{uuid()}")
    yield made
    made.close()


@pytest.fixture
def store(app: Celeriac) -> Callable[..., None]:
    """Store a state of a task."""

    def put(id: str, state: str = "SUCCESS", result: Any = None, **fields: Any) -> None:
        assert app.result_backend is not None
        app.result_backend.store([app.encode_result(ResultMeta(id, state, result, **fields))])

    return put
