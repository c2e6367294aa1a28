"""What an idle worker asks of a Redis and of its machine: next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness.redis_project import RedisProject, resumed
from tests.harness.redis_server import running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

WATCHED = 4.0
SENT = ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_blmove", "cmdstat_ping", "cmdstat_smembers", "cmdstat_zrangebyscore", "cmdstat_mget")
"""What a worker sends when nothing happens; the rest is done by its scripts."""


def commands(client: Any) -> dict[str, int]:
    """Return how often each command was called, those in scripts too, without what a test itself asks."""
    return {name: stats["calls"] for name, stats in client.info("commandstats").items() if name not in ("cmdstat_info", "cmdstat_client|list")}


def processor_time(worker: Any) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in worker.all_pids)


def test_an_idle_worker_costs_next_to_nothing(tmp_path: Path, make_redis_project: Callable[..., RedisProject], figures: Any) -> None:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis") as server:
        client = redis.Redis(port=server.port)
        project = make_redis_project(url=f"redis://127.0.0.1:{server.port}/0", worker_lease=10.0)
        worker = project.worker("-c", "2")
        resumed(project)
        project.client.close()
        own = client.client_id()
        eventually(lambda: commands(client).get("cmdstat_smembers"), "it has looked after the others once", timeout=30)
        eventually(lambda: client.info("clients")["blocked_clients"], "it waits")

        before, spent, began = commands(client), processor_time(worker), time.monotonic()
        time.sleep(WATCHED)  # what happens in some time is what is tested
        seconds = time.monotonic() - began
        asked = {name: calls - before.get(name, 0) for name, calls in commands(client).items() if calls != before.get(name, 0)}
        used = (processor_time(worker) - spent) / seconds
        connections = [one for one in client.client_list() if int(one["id"]) != own]
        memory = sum(psutil.Process(pid).memory_full_info().pss for pid in worker.all_pids)

    rate = sum(asked.values()) / seconds
    figures("idle worker", f"{used:.2%} of a core, {len(connections)} connections, {rate:.2f} commands/s: {asked}, PSS {memory / 1e6:.1f} MB")

    assert len(connections) <= 4, connections
    assert sum(calls for name, calls in asked.items() if name in SENT) / seconds <= 1.0, asked
    assert used < 0.02
    assert memory < 92e6
