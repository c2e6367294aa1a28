"""Fixtures: databases of one private Redis, for fleets of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.redis_server import RedisServer, running
from tests.interop.fleet_sides import SIDES, Fleet
from tests.interop.peer import require_peers


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    require_peers()
    with running(Path(tmp_path_factory.mktemp("redis"))) as started:
        yield started


@pytest.fixture(scope="module")
def fleet(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One worker and one client of each kind."""
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), redis_server.new_url())
    try:
        workers = [fleet.worker("celery", "theirs", "-P", "threads", "-c", "4"), fleet.worker("ours", "ours", "-c", "2")]
        clients = [fleet.client(side) for side in SIDES]
        for worker in workers:
            worker.ready()
        assert len(clients) == 2
        yield fleet
    finally:
        fleet.close()


@pytest.fixture
def own(redis_server: RedisServer, tmp_path: Path) -> Iterator[Fleet]:
    """A database of the test's own, on which nothing runs yet."""
    fleet = Fleet(tmp_path, redis_server.new_url())
    try:
        yield fleet
    finally:
        fleet.close()
