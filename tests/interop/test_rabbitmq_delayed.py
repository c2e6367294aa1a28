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


@pytest.fixture(scope="module", params=SIDES)
def fleet(request: pytest.FixtureRequest, rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A worker of one kind, and a client of each, for a quorum queue behind a topic exchange."""
    require_peers()
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), rabbitmq.vhost())
    fleet.backend = "rpc://"
    fleet.conf = {"task_default_queue": "solid", "task_default_queue_type": "quorum", "task_default_exchange_type": "topic"}
    try:
        options = ("-P", "threads") if request.param == "celery" else ()
        fleet.worker(request.param, "solid", "-c", "2", *options).ready()
        yield fleet
    finally:
        fleet.close()


@pytest.mark.parametrize("sender", SIDES)
def test_a_countdown_is_kept_by_the_server(fleet: Fleet, sender: str) -> None:
    client, broker = fleet.client(sender), open_broker(fleet.url)
    client.get(client.send("add", "(2, 2)"))
    began = time.time()

    sent = client.send("add", "(1, 2)", countdown=5.5)

    levels = [f"celery_delayed_{level}" for level in (0, 1, 2)]
    eventually(lambda: sum((broker.measure(level) or (0, 0))[0] for level in levels) == 1, "it waits there", timeout=4)
    broker.close()
    assert client.get(sent, timeout=15)["value"] == 3
    assert 5.4 <= time.time() - began < 15


def test_what_holds_the_messages_are_quorum_queues(fleet: Fleet, rabbitmq: RabbitServer) -> None:
    told = rabbitmq.ctl("list_queues", "-p", fleet.url.rpartition("/")[2], "--no-table-headers", "name", "type")
    types = dict(line.split("\t") for line in told.splitlines() if "\t" in line)

    assert {types[name] for name in ("solid", *(f"celery_delayed_{level}" for level in range(28)))} == {"quorum"}
