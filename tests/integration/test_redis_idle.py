"""What an idle worker asks of a Redis and of its machine: next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from celeriac.drivers.redis.lease import IDLE, Lease
from tests.harness.redis_project import RedisProject, resumed
from tests.harness.redis_server import running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

LEASE = 2.0
WATCHED = 9.0
"""As long as more than four looks of a worker that is alone: with the default lease, which is five times as long, all of it is five times as rare."""


OWNERS = "celeriac:{celery}:owners"


def commands(client: Any) -> dict[str, int]:
    """Return how often each command was called, those in scripts too, without what a test itself asks."""
    return {name: stats["calls"] for name, stats in client.info("commandstats").items() if name not in ("cmdstat_info", "cmdstat_client|list")}


def lease_of(client: Any) -> float:
    """Return for how many seconds the lease of the only worker still runs."""
    seconds, micro = client.time()
    return max((ends for _, ends in client.zrange(OWNERS, 0, -1, withscores=True)), default=0.0) - seconds - micro / 1e6


def processor_time(worker: Any) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in worker.all_pids)


def test_an_idle_worker_costs_next_to_nothing(tmp_path: Path, make_redis_project: Callable[..., RedisProject], figures: Any) -> None:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis") as server:
        client = redis.Redis(port=server.port)
        project = make_redis_project(url=f"redis://127.0.0.1:{server.port}/0", worker_lease=LEASE)
        worker = project.worker("-c", "2")
        resumed(project)
        project.client.close()
        own = client.client_id()
        eventually(lambda: commands(client).get("cmdstat_smembers"), "it has looked after the others once", timeout=30)
        eventually(lambda: client.info("clients")["blocked_clients"], "it waits")
        eventually(lambda: lease_of(client) > 2 * LEASE, "its lease is an idle one", timeout=20)

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
    assert sum(asked.values()) <= 40, asked
    assert used < 0.02
    assert memory < 92e6


def test_the_first_task_makes_an_idle_workers_lease_short(tmp_path: Path, make_redis_project: Callable[..., RedisProject]) -> None:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis") as server:
        client = redis.Redis(port=server.port)
        project = make_redis_project(url=f"redis://127.0.0.1:{server.port}/0", worker_lease=LEASE)
        project.worker("-c", "1")
        eventually(lambda: client.zcard(OWNERS), "it is there", timeout=30)
        eventually(lambda: lease_of(client) > 2 * LEASE, "its lease is an idle one", timeout=20)

        result = project.send("safe", 1.5)
        project.ledger.wait_for("begin", 1, timeout=20)
        during = lease_of(client)
        result.get(timeout=20)

        assert during <= LEASE
        eventually(lambda: lease_of(client) > 2 * LEASE, "it is idle again", timeout=20)


@pytest.mark.parametrize(("crowd", "apart"), [(1, 9.0), (4, 9.0), (12, 25.0), (500, 42.0)])
def test_the_more_workers_there_are_the_less_often_each_renews_an_idle_lease(crowd: int, apart: float) -> None:
    lease = Lease(10.0)
    lease.crowd = crowd
    begun = time.monotonic()

    assert lease.renewed(begun, lease.touched, long=True)

    assert not lease.due
    assert apart < lease._next - begun < 10.0 * IDLE - 5


def test_what_is_taken_while_a_lease_is_renewed_keeps_it_from_becoming_long() -> None:
    lease = Lease(10.0)
    touched = lease.touched
    lease.touch()

    assert not lease.renewed(time.monotonic(), touched, long=True)
    assert not lease.long
