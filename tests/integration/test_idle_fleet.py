"""Many idle workers on one Redis: ``python -m benchmarks.idle_fleet`` counts for 500 of them what this does for a few with a short lease."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

redis = pytest.importorskip("redis")

from benchmarks.idle_fleet import OWNERS, cost, fleet  # noqa: E402
from tests.harness.redis_server import running  # noqa: E402
from tests.harness.waiting import eventually  # noqa: E402

WORKERS = 30
LEASE = 1.0
"""A tenth of the usual one: whatever a worker does for its lease it does ten times as often."""
SECONDS = 5.0
BAR = 100 / 500
"""Commands a second of one worker among 500 that cost 100 together."""

pytestmark = pytest.mark.timeout(120)


def test_many_idle_workers_cost_a_server_little(tmp_path: Path) -> None:
    with running(tmp_path) as server, fleet(url := server.new_url(), WORKERS, worker_lease=LEASE), redis.Redis.from_url(url) as client:
        eventually(lambda: _all_idle(client), "every lease is an idle one", timeout=30)
        found = cost(server, SECONDS)

    assert found.rate * LEASE / 10 <= BAR * WORKERS, found.commands
    assert found.connections <= 4 * WORKERS


def _all_idle(client: redis.Redis) -> bool:
    ends = [moment for _, moment in client.zrange(OWNERS, 0, -1, withscores=True)]
    return len(ends) == WORKERS and min(ends) > time.time() + LEASE
