"""Quorum queues behind topic exchanges in a mixed fleet: calls with a countdown wait in Celery's native delayed delivery, whoever sends and runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from celeriac.drivers.registry import open_broker
from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.waiting import eventually
from tests.interop.fleet_sides import SIDES, Fleet
from tests.interop.peer import require_peers

__all__ = ["rabbitmq"]

pytestmark = pytest.mark.timeout(120)

QUEUES = {"celery": "theirs", "ours": "ours"}


@pytest.fixture(scope="module")
def fleet(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One worker and one client of each kind, all queues quorum queues behind topic exchanges."""
    require_peers()
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), rabbitmq.vhost())
    fleet.backend = "rpc://"
    kinds = {"queue_type": "quorum", "exchange_type": "topic"}
    fleet.conf = {
        "task_default_queue": "plain", **{f"task_default_{kind}": value for kind, value in kinds.items()},
        **{f"task_create_missing_queue_{kind}": value for kind, value in kinds.items()},
    }  # fmt: skip
    try:
        workers = [fleet.worker("celery", "theirs", "-P", "threads", "-c", "2", task_default_queue="theirs"), fleet.worker("ours", "ours", "-c", "2")]
        for worker in workers:
            worker.ready()
        yield fleet
    finally:
        fleet.close()


@pytest.mark.parametrize("sender", SIDES)
@pytest.mark.parametrize("runner", SIDES)
def test_a_countdown_is_kept_by_the_server(fleet: Fleet, sender: str, runner: str) -> None:
    client, began = fleet.client(sender), time.time()
    broker = open_broker(fleet.url)

    sent = client.send("add", "(1, 2)", queue=QUEUES[runner], countdown=5.5)
    eventually(lambda: sum((broker.measure(f"celery_delayed_{level}") or (0, 0))[0] for level in (0, 1, 2)) == 1, "it waits there", timeout=4)
    broker.close()

    assert client.get(sent, timeout=15)["value"] == 3
    assert 5.4 <= time.time() - began < 15


@pytest.mark.parametrize("sender", SIDES)
@pytest.mark.parametrize("runner", SIDES)
def test_a_call_for_now_does_not_wait(fleet: Fleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    assert client.get(client.send("add", "(2, 2)", queue=QUEUES[runner]))["value"] == 4


def test_the_queues_are_quorum_queues(fleet: Fleet, rabbitmq: RabbitServer) -> None:
    told = rabbitmq.ctl("list_queues", "-p", fleet.url.rpartition("/")[2], "--no-table-headers", "name", "type")
    types = dict(line.split("\t") for line in told.splitlines() if "\t" in line)

    assert {types[name] for name in ("ours", "theirs", *(f"celery_delayed_{level}" for level in range(28)))} == {"quorum"}
