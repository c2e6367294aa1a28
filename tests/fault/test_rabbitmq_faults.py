"""A RabbitMQ that is restarted, cut off, silent or short of memory, and a worker whose connections are closed: it goes on.

What was lost or doubled is counted.

Results go to Redis, which nothing disturbs, so that it is known when each was stored; or by ``rpc://``, through the same trouble. All of it runs with
CELERIAC_FAULT_ROUNDS=20 (``make fault``), otherwise the cuts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from celeriac.model.errors import OperationalError
from tests.harness.fixtures import ROUNDS, projects_with_logs
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import RabbitServer, running_server
from tests.harness.rabbitmq_project import MailWitness, RabbitProject
from tests.harness.redis_project import Load, Witness, toll
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

pytestmark = pytest.mark.timeout(600)

SOON = {"heartbeat": 2.0, "connect_timeout": 1.0}
"""So that a silent server is noticed while a test runs."""
BOUND = 3.0
"""Seconds: ``broker_publish_timeout`` of the clients."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A server that only these tests disturb."""
    with running_server(tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


class Stage:
    """A project whose workers reach the server through a proxy and whose client does not, and what notes when its results are stored."""

    def __init__(self, folder: Path, server: RabbitServer, results: str | None) -> None:
        url = server.vhost()
        self.server = server
        self.proxy = Proxy(server.port)
        more: dict[str, Any] = {} if results is None else {"result_backend": results}
        shared = {"broker_publish_timeout": BOUND, "broker_transport_options": SOON, **more}
        self.project = RabbitProject(folder, url=url, **shared)
        _ = self.project.client
        self.project.conf = {**self.project.conf, "broker_url": url.replace(f":{server.port}/", f":{self.proxy.port}/")}
        self.witness: AbstractContextManager[Any] = MailWitness(self.project)
        if results is not None:
            self.witness = Witness(lambda: redis.Redis.from_url(results))

    def close(self) -> None:
        self.project.close()
        self.proxy.close()


@pytest.fixture(params=["redis", "rpc"])
def stage(request: pytest.FixtureRequest, server: RabbitServer, store: RedisServer, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, server, store.new_url() if request.param == "redis" else None)
    projects_with_logs(request).append(stage.project)
    try:
        yield stage
    finally:
        stage.close()


def server_restarts(stage: Stage) -> float:
    stage.server.stop()
    stage.server.start()
    return time.time()


def server_is_killed(stage: Stage) -> float:
    stage.server.kill()
    stage.server.start()
    return time.time()


def all_connections_are_closed(stage: Stage) -> float:
    stage.server.ctl("close_all_connections", "a test")
    return time.time()


def one_connection_is_closed(stage: Stage) -> float:
    """Close the worker's consuming connection; the others live on."""
    listed = stage.server.ctl("list_connections", "--no-table-headers", "pid", "client_properties")
    pids = [line.split("\t")[0] for line in listed.splitlines() if "(consumer)" in line]
    assert pids, listed
    for pid in pids:
        stage.server.ctl("close_connection", pid, "a test")
    return time.time()


def tcp_is_cut(stage: Stage) -> float:
    stage.proxy.cut()
    return time.time()


def nothing_passes(stage: Stage) -> float:
    """Nothing passes for a while, in neither direction; then what connects anew gets through."""
    stage.proxy.stall()
    time.sleep(8.0)
    stage.proxy.cut()
    stage.proxy.flow()
    return time.time()


LONG = ROUNDS >= 20
TROUBLES = [tcp_is_cut, *([server_restarts, server_is_killed, all_connections_are_closed, one_connection_is_closed, nothing_passes] if LONG else [])]


def resumed(project: RabbitProject, since: float) -> float:
    """Return how many seconds after a moment the next task ended."""
    ends = eventually(
        lambda: [entry.at for entry in project.ledger.entries("end") if entry.at > since], "work goes on", timeout=20, explain=project.describe
    )
    return ends[0] - since


@pytest.mark.parametrize("trouble", TROUBLES)
def test_work_goes_on_and_nothing_is_lost_or_doubled(stage: Stage, figures: Callable[..., None], trouble: Callable[[Stage], float]) -> None:
    project, took = stage.project, []
    project.worker("-c", "2")
    by_message = isinstance(stage.witness, MailWitness)
    rounds = 1 if trouble in (server_restarts, server_is_killed) else max(2, ROUNDS // 2)
    with stage.witness as witness, Load(project, rate=40, task="late", seconds=0.01) as load:
        for _ in range(rounds):
            project.ledger.wait_for("end", project.ledger.count("end") + 20, timeout=30)
            took.append(resumed(project, trouble(stage)))

    sent = load.results
    if by_message and trouble in (server_restarts, server_is_killed):
        # Results by message are kept in the server's memory: those that were under way are gone with it. Their tasks have run.
        eventually(lambda: load.ids <= {entry.id for entry in project.ledger.entries("end")}, "all have run", timeout=30)
        eventually(lambda: project.depth() == 0, "the queue is empty", timeout=30, explain=project.describe)
        sent = [result for result in sent if result.id in witness.stored]
    tolled = toll(project, sent, witness)

    slowest = max((seconds for seconds, _ in load.refused), default=0.0)
    refused = f"{len(load.refused)} calls refused, after {slowest:.1f} s at most"
    figures(f"RabbitMQ, {trouble.__name__}, results in {type(stage.witness).__name__}", tolled, took, refused)
    assert tolled.clean, str(tolled)
    assert max(took) < 5
    assert slowest < 2 * BOUND
    assert all(isinstance(error, OperationalError) for _, error in load.refused), load.refused[:1]


@pytest.mark.skipif(not LONG, reason="with CELERIAC_FAULT_ROUNDS=20")
def test_a_server_short_of_memory_refuses_in_time_and_then_all_goes_on(stage: Stage, figures: Callable[..., None]) -> None:
    project = stage.project
    project.worker("-c", "2")
    with stage.witness as witness, Load(project, rate=60, task="late", seconds=0.01) as load:
        project.ledger.wait_for("end", 20, timeout=30)
        stage.server.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1000000}).")
        try:
            eventually(lambda: len(load.refused) >= 2, "calls are refused", timeout=30)
        finally:
            stage.server.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 600000000}).")
        took = resumed(project, time.time())

    tolled = toll(project, load.results, witness)
    longest = max(seconds for seconds, _ in load.refused)
    figures(f"RabbitMQ, memory alarm, results in {type(stage.witness).__name__}", tolled, [took], f"a call ends after {longest:.1f} s at most")
    assert tolled.clean, str(tolled)
    assert longest < BOUND + 2
    assert "low on memory" in str(load.refused[0][1])
