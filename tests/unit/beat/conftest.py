from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.beat_bench import Bench


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    return Bench
