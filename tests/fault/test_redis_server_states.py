"""What the server itself may do to a worker: restart, load, be a replica for a while, run out of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.redis_project import Footprint, Load, RedisProject, Witness, resumed, toll
from tests.harness.redis_server import RedisServer, free_port, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis", "--appendonly", "yes", "--enable-debug-command", "local") as server:
        yield server


@pytest.fixture
def at(server: RedisServer) -> Callable[[], Any]:
    return lambda: redis.Redis(port=server.port)


@pytest.fixture
def project(server: RedisServer, make_redis_project: Callable[..., RedisProject]) -> RedisProject:
    return make_redis_project(url=f"redis://127.0.0.1:{server.port}/0")


def test_a_server_that_is_killed_and_restarted_has_lost_nothing(project: RedisProject, server: RedisServer, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    took: list[float] = []
    with Witness(at) as witness, Load(project, rate=100, seconds=0.002) as load:
        resumed(project)
        before = Footprint.of(worker)
        for number in range(2 * ROUNDS):
            server.stop()
            time.sleep(0.05 + 0.5 * (number % 3))  # how long it is away is what is tested
            server.start()
            took.append(resumed(project))
            eventually(lambda: witness.listening, "the witness listens again")
        after = Footprint.of(worker)
    found = toll(project, load.results, witness)
    figures("restart with AOF", found, took, f"{len(load.refused)} sends refused, before {before}, after {after}")

    assert found.clean, found
    assert max(took) < 5
    assert after.connections <= before.connections + 2
    assert after.descriptors <= before.descriptors + 4
    assert project.held(at()) == 0


def test_three_losses_within_two_seconds(project: RedisProject, server: RedisServer, at: Any, figures: Any) -> None:
    project.worker("-c", "2")
    with Load(project) as load:
        resumed(project)
        for _ in range(3):
            at().client_kill_filter(_type="normal", skipme=True)
            server.stop()
            time.sleep(0.3)
            server.start()
            time.sleep(0.2)
        took = [resumed(project)]
    found = toll(project, load.results)
    figures("three restarts within two seconds", found, took)

    assert found.clean, found
    assert took[0] < 5


def test_a_server_that_loads_its_data_is_waited_for(project: RedisProject, server: RedisServer, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    resumed(project)
    results = project.send_many("safe", 40, 0.05)
    project.ledger.wait_for("end", 5)
    filled = at().pipeline(transaction=False)
    for number in range(1500):
        filled.set(f"filling:{number}", "x" * 100)
    filled.execute()
    at().execute_command("BGREWRITEAOF")
    eventually(lambda: not {at().info("persistence")[f"aof_rewrite_{what}"] for what in ("in_progress", "scheduled")} - {0}, "rewritten")
    server.stop()
    server.options += ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")

    starting = threading.Thread(target=server.start)
    starting.start()
    worker.wait_log("LOADING", timeout=15)
    starting.join(20)
    took = [resumed(project)]
    found = toll(project, results)
    figures("LOADING", found, took)

    assert found.clean, found
    assert took[0] < 5


def test_a_server_that_is_a_replica_for_a_while_is_waited_for(project: RedisProject, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    with Witness(at) as witness, Load(project) as load:
        resumed(project)
        at().replicaof("127.0.0.1", free_port())
        worker.wait_log("READONLY")
        time.sleep(1.5)
        at().replicaof("NO", "ONE")
        took = [resumed(project)]
    found = toll(project, load.results, witness)
    figures("READONLY", found, took, f"{len(load.refused)} sends refused")

    assert found.clean, found
    assert took[0] < 5
    assert load.refused
    assert all("READONLY" in str(error) for _, error in load.refused)
    assert project.held(at()) == 0


def test_a_server_without_memory_is_waited_for_and_can_be_emptied(project: RedisProject, at: Any, figures: Any) -> None:
    """Producers are refused, with the reason; workers go on with what is there, or nothing would ever free the memory."""
    project.worker("-c", "2")
    resumed(project)
    results = project.send_many("safe", 60, 0.05)
    project.ledger.wait_for("end", 5)
    at().config_set("maxmemory-policy", "noeviction")

    at().config_set("maxmemory", 1_000_000)
    with pytest.raises(Exception, match="OOM") as refused:
        project.send("safe")
    ended = project.ledger.count("end")
    project.ledger.wait_for("end", ended + 30, timeout=15)
    states = project.states(results)
    at().config_set("maxmemory", 0)
    took = [resumed(project)]
    found = toll(project, results)
    figures("OOM", found, took)

    assert type(refused.value).__name__ == "OperationalError"
    assert set(states.values()) == {"SUCCESS"}
    assert found.clean, found
    assert took[0] < 5
    assert project.held(at()) == 0


def test_an_idle_worker_at_a_server_without_memory_takes_what_comes_afterwards(project: RedisProject, at: Any, figures: Any) -> None:
    project.worker("-c", "2")
    resumed(project)
    at().config_set("maxmemory", 1_000_000)
    time.sleep(1.5)
    at().config_set("maxmemory", 0)

    took = [resumed(project)]
    figures("OOM, idle", took)

    assert took[0] < 5
