"""A replica that is promoted under Sentinel, and a cluster of three masters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.redis_project import Load, RedisProject, Witness, resumed, toll
from tests.harness.redis_sentinel import MASTER, Sentinels, sentinels
from tests.harness.redis_server import RedisServer, replica_in_cluster, running_cluster
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Sentinels]:
    (tmp_path / "redis").mkdir()
    with sentinels(tmp_path / "redis") as group:
        yield group


@pytest.fixture
def sentinel_project(group: Sentinels, make_redis_project: Callable[..., RedisProject]) -> RedisProject:
    return make_redis_project(url=group.url, options={"master_name": MASTER})


def test_sending_goes_on_through_a_promotion(sentinel_project: RedisProject, group: Sentinels, figures: Any) -> None:
    """The old master goes on answering for ten seconds, until the sentinels demote it: by then nobody may be there any more."""
    project = sentinel_project
    project.worker("-c", "2")
    resumed(project)
    before = group.master
    with Witness(group.client) as witness, Load(project, rate=50) as load:
        time.sleep(0.5)
        group.fail_over(how="promote")
        eventually(lambda: group.master != before, "another master", timeout=20, pause=0.02)
        took = [resumed(project, timeout=30)]
        eventually(lambda: redis.Redis(port=before).role()[0] == b"slave", "the old master is demoted", timeout=30)
    found = toll(project, load.results, witness)
    figures("Sentinel, promotion under load", found, f"{len(load.refused)} sends refused", took)

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert found.repeated <= 2
    assert len(load.refused) <= 2
    assert took[0] < 5


def test_what_replicas_have_confirmed_outlives_the_death_of_the_master(tmp_path: Path, make_redis_project: Any, figures: Any) -> None:
    (tmp_path / "redis").mkdir()
    with sentinels(tmp_path / "redis", replicas=2) as group:
        project = make_redis_project(url=group.url, options={"master_name": MASTER, "wait_replicas": 1})
        worker = project.worker("-c", "2")
        resumed(project)
        before = group.master
        with Load(project, rate=100) as load:
            project.ledger.wait_for("end", 50, timeout=20)
            group.fail_over(how="kill")
            eventually(lambda: group.master != before, "another master", timeout=20, pause=0.02)
            began = time.time()
            took = [resumed(project, timeout=30, since=began)]
            # The other replica has to be with the new master before anything counts as written.
            eventually(lambda: "SUCCESS" in {result.state for result in load.results[-5:]}, "results come", timeout=30, explain=worker.describe)
        found = toll(project, load.results)
        figures("Sentinel, master killed under load, wait_replicas=1", found, f"{len(load.refused)} sends refused", took)

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert found.repeated <= 10


def test_without_enough_replicas_a_call_says_so(sentinel_project: RedisProject) -> None:
    client = sentinel_project.client
    client.conf.broker_transport_options = {**client.conf.broker_transport_options, "wait_replicas": 2}
    client.conf.broker_publish_timeout = 8.0

    with pytest.raises(Exception, match=r"1 of 2 replicas \(wait_replicas\)") as refused:
        sentinel_project.send("safe")
    assert type(refused.value).__name__ == "OperationalError"


@pytest.mark.parametrize("how", ["promote", "kill"])
def test_a_promoted_replica_is_found_and_goes_on_where_the_master_was(
    sentinel_project: RedisProject, group: Sentinels, how: str, figures: Any
) -> None:
    """Replication lags by what is under way: so nothing is sent at the moment itself, and what runs then may run again."""
    project = sentinel_project
    project.worker("-c", "2")
    resumed(project)
    before = group.master
    results = project.send_many("safe", 100, 0.05)
    project.ledger.wait_for("end", 20)
    group.client().wait(1, 2000)

    group.fail_over(how=how)
    eventually(lambda: group.master != before, "another master", timeout=20, pause=0.02)
    began = time.time()
    took = [resumed(project, timeout=30, since=began)]
    found = toll(project, results)
    figures(f"Sentinel, {how}", found, took)

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert found.repeated <= 10
    assert took[0] < 5


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    with running_cluster(Path(tmp_path_factory.mktemp("cluster"))) as servers:
        yield servers


@pytest.fixture
def cluster_project(cluster: list[RedisServer], make_redis_project: Callable[..., RedisProject]) -> RedisProject:
    for server in cluster:
        redis.Redis(port=server.port).flushall()
    return make_redis_project(url=f"redis+cluster://127.0.0.1:{cluster[0].port}/0")


def test_a_cluster_runs_everything_without_a_crossslot_error(cluster_project: RedisProject, cluster: list[RedisServer], figures: Any) -> None:
    project = cluster_project
    queues = [f"queue{number}" for number in range(8)]
    worker = project.worker("-c", "2", "-Q", ",".join(["celery", *queues]))
    results = [project.send("safe", 0, number, queue=queues[number % 8]) for number in range(200)]
    results += [project.send("safe", 0, number, queue=queues[number % 8], countdown=0.5) for number in range(40)]
    results += [project.send("safe", 0, number, queue=queues[number % 8], priority=number % 10) for number in range(40)]
    retried = project.send_many("retries_late", 10)

    found = toll(project, results)
    answers = project.client.control.ping(timeout=5)
    children = project.send("calls_another", queue=queues[0]).get(timeout=10)
    figures("Cluster of 3 masters", found, f"keys on each {[redis.Redis(port=server.port).dbsize() for server in cluster]}")

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert [1] * 10 == [result.get(timeout=10) for result in retried]
    assert len(answers) == 1
    assert project.client.AsyncResult(children).get(timeout=10) == 2
    assert [result.get(timeout=5) for result in results[:40]] == list(range(40))
    assert "CROSSSLOT" not in worker.log
    assert "Traceback" not in worker.log


def test_chords_finish_in_a_cluster(cluster_project: RedisProject) -> None:
    project = cluster_project
    worker = project.worker("-c", "2")
    program = (
        "from celeriac import chord\nfrom tasks import add, echo\n"
        "print(chord([add.s(n, n) for n in range(10)], echo.s()).delay().get(timeout=15)[0][0])\n"
    )
    done = project.python("-c", program)

    assert done.stdout.strip() == str([2 * n for n in range(10)]), done.stderr + worker.describe()
    assert "CROSSSLOT" not in worker.log


def test_a_dead_workers_tasks_come_back_in_a_cluster(cluster_project: RedisProject, figures: Any) -> None:
    project = cluster_project
    project.conf["worker_lease"] = 2.0
    doomed = project.worker("-c", "2", "-Q", "one,two")
    results = [project.send("safe", 1, queue=("one", "two")[number % 2]) for number in range(4)]
    project.ledger.wait_for("begin", 2)
    project.worker("-c", "4", "-Q", "one,two")
    killed = time.time()
    doomed.process.kill()

    found = toll(project, results)
    took = [max(entry.at for entry in project.ledger.entries("begin")) - killed]
    figures("Cluster, worker killed, lease 2 s", found, took)

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert took[0] < 6


def test_connections_to_each_master_of_a_cluster_may_be_killed(cluster_project: RedisProject, cluster: list[RedisServer], figures: Any) -> None:
    project = cluster_project
    worker = project.worker("-c", "2", "-Q", "celery,one,two,three")
    resumed(project)
    for server in cluster:
        for _ in range(max(1, ROUNDS // 2)):
            redis.Redis(port=server.port).client_kill_filter(_type="normal", skipme=True)
        results = [project.send("safe", 0, queue=name) for name in ("celery", "one", "two", "three") * 5]
        took = [resumed(project)]
        found = toll(project, results)
        figures("Cluster, connections to one master killed", found, took)
        assert (found.lost, found.unsuccessful) == (0, 0), found
        assert took[0] < 5
    assert worker.process.poll() is None


def test_a_master_of_a_cluster_may_be_lost(tmp_path: Path, make_redis_project: Callable[..., RedisProject], figures: Any) -> None:
    """Its replica takes over; what was sent and replicated before runs, and what runs in that moment may run again."""
    for name in ("cluster", "replica"):
        (tmp_path / name).mkdir()
    with running_cluster(tmp_path / "cluster") as cluster:
        slot = int(cluster[0].command("CLUSTER KEYSLOT celery").strip(":\r\n"))
        master = next(server for server in cluster if serves(server, slot))
        left = next(server for server in cluster if server is not master)
        with replica_in_cluster(tmp_path / "replica", master) as replica:
            project = make_redis_project(url=f"redis+cluster://127.0.0.1:{left.port}/0")
            worker = project.worker("-c", "2")
            resumed(project)
            results = project.send_many("safe", 60, 0.05)
            project.ledger.wait_for("end", 10)
            redis.Redis(port=master.port).wait(1, 2000)
            master.stop()
            eventually(lambda: serves(replica, slot), "the replica has taken over", timeout=30)
            began = time.time()
            took = [resumed(project, timeout=30, since=began)]
            found = toll(project, results)
    figures("Cluster, master lost", found, took)

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert found.repeated <= 10
    assert took[0] < 5
    assert "CROSSSLOT" not in worker.log


def move_slot(source: Any, target: Any, slot: int) -> None:
    """Move a slot with all its keys while the cluster is in use, as its tools do."""
    source_id, target_id = (node.execute_command("CLUSTER MYID") for node in (source, target))
    port = target.connection_pool.connection_kwargs["port"]
    target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
    source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)
    while keys := source.execute_command("CLUSTER GETKEYSINSLOT", slot, 10):
        source.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5000, "KEYS", *keys)
    for node in (target, source):
        node.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)


def test_the_slot_of_a_queue_may_move_while_its_worker_works(cluster_project: RedisProject, cluster: list[RedisServer], figures: Any) -> None:
    project = cluster_project
    worker = project.worker("-c", "2", "-Q", "celery,one")
    nodes = [redis.Redis(port=server.port) for server in cluster]
    slot = nodes[0].execute_command("CLUSTER KEYSLOT", "celery")
    owner = next(at for at, server in enumerate(cluster) if serves(server, slot))
    took = [resumed(project)]
    with Load(project, rate=50, seconds=0.002) as load:
        for _ in range(2 * ROUNDS):
            other = (owner + 1) % len(nodes)
            move_slot(nodes[owner], nodes[other], slot)
            took.append(resumed(project))
            owner = other
    found = toll(project, load.results)
    figures("Cluster, the queue's slot moved", found, took, f"{len(load.refused)} sends refused")

    assert (found.lost, found.unsuccessful) == (0, 0), found
    assert found.repeated == 0
    assert max(took) < 5
    assert "CROSSSLOT" not in worker.log


def serves(server: RedisServer, slot: int) -> bool:
    """Whether a node says of itself that a slot is its own."""
    [mine] = [line for line in server.command("CLUSTER NODES").splitlines() if "myself" in line]
    spans = [span.split("-") for span in mine.split()[8:] if span[0] != "["]
    return any(int(span[0]) <= slot <= int(span[-1]) for span in spans)
