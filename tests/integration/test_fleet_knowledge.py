"""What all workers know together by Redis, as their broker or only as their result store: revoked tasks, and how many have started."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac import exceptions
from tests.harness import project as harness
from tests.harness.project import Project
from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

MODULE = Path(harness.__file__).parent / "sample" / "controlled.py"


class Fleet(Project):
    """A project with a broker and a result store of the test's choice."""

    def __init__(self, folder: Path, broker: str, backend: str, **conf: Any) -> None:
        super().__init__(folder, conf={"broker_url": broker, "result_backend": backend, **conf})
        shutil.copy(MODULE, folder / "tasks.py")

    @property
    def client(self) -> Any:
        if self._client is None:
            self._client = celeriac.Celeriac("client", broker=self.conf["broker_url"], backend=self.conf["result_backend"], set_as_current=False)
        return self._client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Callable[..., Fleet]]:
    made: list[Fleet] = []

    def make(broker: str, backend: str, **conf: Any) -> Fleet:
        made.append(Fleet(tmp_path, broker, backend, **conf))
        return made[-1]

    yield make
    for each in made:
        each.close()


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(1 for other in moments if moment <= other < moment + 1.0) for moment in moments)


def check(project: Fleet) -> None:
    """Revoke a queued task before any worker is there; then let three workers share a limit."""
    revoked, kept = project.send("early"), project.send("early")
    project.client.control.revoke(revoked.id)
    for _ in range(3):
        project.worker("-c", "1")
    with pytest.raises(exceptions.TaskRevokedError):
        revoked.get(timeout=20)
    kept.get(timeout=20)

    tasks = project.send_many("shared", 60)
    project.states(tasks)

    moments = sorted(entry.at for entry in project.ledger.entries("begin") if entry.id in {task.id for task in tasks})
    assert project.ledger.count("begin", [revoked.id]) == 0
    assert len(moments) == 60
    assert most_in_a_second(moments) <= 42
    assert 1.2 < moments[-1] - moments[0] < 6.0


def test_workers_on_redis_share_limits_and_revocations(fleet: Callable[..., Fleet], server: RedisServer) -> None:
    url = server.new_url()

    check(fleet(url, url))


def test_where_the_broker_cannot_the_result_store_keeps_them(fleet: Callable[..., Fleet], server: RedisServer, rabbitmq: RabbitServer) -> None:  # noqa: F811
    check(fleet(rabbitmq.vhost(), server.new_url()))


def test_a_limit_that_nobody_can_count_is_refused_by_name(fleet: Callable[..., Fleet], rabbitmq: RabbitServer) -> None:  # noqa: F811
    worker = fleet(rabbitmq.vhost(), "rpc://").worker("-c", "1", ready=False)

    assert worker.wait_exit(20) == 1
    worker.wait_log(r"rate_limit_scope='cluster' of tasks\.by_tenant, tasks\.shared asks for")


@pytest.mark.parametrize(("strategy", "queues"), [("priority", "first,later"), ("sorted", "later,first")])
def test_the_order_of_queues_that_celery_has_on_redis(fleet: Callable[..., Fleet], server: RedisServer, strategy: str, queues: str) -> None:
    url = server.new_url()
    project = fleet(url, url, broker_transport_options={"queue_order_strategy": strategy}, worker_packet_time=0.0)
    later, first = project.send_many("early", 30, 0.002, queue="later"), project.send_many("early", 30, 0.002, queue="first")
    project.worker("-c", "1", "-Q", queues)

    eventually(lambda: project.ledger.count("begin") == 60, "all have begun", timeout=20)
    order = [entry.id for entry in project.ledger.entries("begin")]

    assert {result.id for result in first[:25]} <= set(order[:30])
    assert order[-1] == later[-1].id
