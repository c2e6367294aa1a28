"""What a worker that has nothing to do costs a Redis that it shares with many."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.harness.redis_server import RedisServer, running
from tests.interop.fleet_sides import Fleet

SECONDS = 3.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


def asked(server: redis.Redis) -> dict[str, int]:
    """Return how often clients (not scripts) have sent each command, as far as it tells: by kind, scripts as one."""
    return {name.removeprefix("cmdstat_"): found["calls"] for name, found in server.info("commandstats").items()}


def test_an_idle_worker_with_events_on_hardly_speaks_while_nobody_listens(server: RedisServer, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, server.new_url())
    fleet.heartbeats = True
    try:
        fleet.worker("ours", "idle", "-c", "1", "-E").ready()
        with redis.Redis.from_url(fleet.url) as client:
            # The first heartbeat tells it that nobody listens.
            time.sleep(1.0)
            before = asked(client)
            time.sleep(SECONDS)
            after = asked(client)
    finally:
        fleet.close()

    spent = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0) and name != "info"}
    assert 0 == spent.get("publish", 0)
    assert spent.get("evalsha", 0) <= 2 * SECONDS, spent
    # It has just been started: one that has been idle for longer than its lease says far less (test_redis_idle).
    assert sum(spent.values()) <= 12 * SECONDS, spent
