"""The order of queues and the bounds of what is fetched ahead, as a worker on RabbitMQ keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import projects_with_logs
from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.rabbitmq_project import RabbitProject
from tests.harness.waiting import eventually

__all__ = ["rabbitmq"]

Make = Callable[..., RabbitProject]


@pytest.fixture
def make(request: pytest.FixtureRequest, rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[Make]:
    made: list[RabbitProject] = []

    def project(**conf: Any) -> RabbitProject:
        made.append(RabbitProject(tmp_path, url=rabbitmq.vhost(), **conf))
        projects_with_logs(request).append(made[-1])
        return made[-1]

    yield project
    for each in made:
        each.close()


def begun(project: RabbitProject, each: int = 24, seconds: float = 0.0, until: int = 0) -> list[str]:
    """Fill two queues, let one task process drain them, and return the queues in the order in which their tasks began."""
    of = {project.send("early", seconds, queue=name).id: name for _ in range(each) for name in ("low", "high")}
    project.worker("-c", "1", "-Q", "high,low")
    return [of[entry.id] for entry in project.ledger.wait_for("begin", until or 2 * each, timeout=30)]


def test_strict_order_takes_from_a_queue_only_what_the_first_one_leaves(make: Make) -> None:
    order = begun(make(worker_queue_strategy="strict"))

    assert order == ["high"] * 24 + ["low"] * 24


def test_weights_are_kept_while_both_queues_have_something(make: Make) -> None:
    order = begun(make(worker_queue_strategy={"high": 3, "low": 1}))

    assert 11 <= order[:16].count("high") <= 13, order


def test_fair_lets_queues_take_turns(make: Make) -> None:
    order = begun(make(worker_queue_strategy="fair"), each=8, seconds=0.06)

    assert 6 <= order[:12].count("high") <= 8, order


def test_no_queue_waits_for_another_that_is_deep(make: Make) -> None:
    order = begun(make(worker_queue_strategy="fair"), each=300, until=300)[:300]

    assert 60 <= order.count("high") <= 240, order


@pytest.mark.parametrize(
    "conf", [{"worker_disable_prefetch": True}, {"worker_prefetch_multiplier": 3}], ids=["disabled", "three-for-each"]
)
def test_long_tasks_are_left_to_others_whatever_the_bound(make: Make, rabbitmq: RabbitServer, conf: dict[str, Any]) -> None:
    project = make(**conf)
    for _ in range(10):
        project.send("late", 60.0)
    worker = project.worker("-c", "2")
    project.ledger.wait_for("begin", 2)

    eventually(lambda: (8, 2) == _counts(rabbitmq, project), "the rest is back in the queue", timeout=10, explain=worker.describe)
    assert project.ledger.count("begin") == 2


def test_the_bound_holds_while_short_tasks_stream_through(make: Make, rabbitmq: RabbitServer) -> None:
    project = make(worker_prefetch_multiplier=2)
    for _ in range(250):
        project.send("late", 0.08)
    project.worker("-c", "2")
    project.ledger.wait_for("begin", 20)

    seen = [_counts(rabbitmq, project)[1] for _ in range(2)]

    assert project.ledger.count("end") < 250
    assert max(seen) <= 4, seen


def _counts(server: RabbitServer, project: RabbitProject) -> tuple[int, int]:
    """Return how many messages of the default queue are ready, and how many are in a worker's hands."""
    vhost = project.url.rpartition("/")[2]
    told = server.ctl("list_queues", "-p", vhost, "--no-table-headers", "name", "messages_ready", "messages_unacknowledged")
    found = {line.split("\t")[0]: line.split("\t")[1:] for line in told.splitlines() if "\t" in line}
    ready, held = found["celery"]
    return int(ready), int(held)
