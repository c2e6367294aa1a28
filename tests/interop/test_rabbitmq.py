"""Mixed fleets on RabbitMQ: real Celery and ours, results by message (``rpc://``) or in Redis, each call run by the other side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)
from tests.harness.redis_server import running
from tests.interop.fleet_sides import SIDES, Fleet
from tests.interop.peer import require_peers

QUEUES = {"celery": "theirs", "ours": "ours"}
BOTH_WAYS = [("celery", "ours"), ("ours", "celery")]

pytestmark = pytest.mark.timeout(90)
both_ways = pytest.mark.parametrize(("sender", "runner"), BOTH_WAYS, ids=["theirs-to-ours", "ours-to-theirs"])


class RabbitFleet(Fleet):
    """Both kinds on one virtual host."""

    def __init__(self, folder: Path, url: str, backend: str) -> None:
        super().__init__(folder, url)
        self.backend = backend

    def environment(self, side: str, **conf: Any) -> dict[str, str]:
        """The same, with a result store of its own."""
        return {**super().environment(side, **conf), "FLEET_BACKEND": self.backend}


@pytest.fixture(scope="module", params=["rpc", "redis"])
def fleet(request: pytest.FixtureRequest, rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitFleet]:  # noqa: F811
    """One worker and one client of each kind."""
    require_peers()
    with running(Path(tmp_path_factory.mktemp("redis"))) as redis:
        backend = "rpc://" if request.param == "rpc" else redis.new_url()
        fleet = RabbitFleet(tmp_path_factory.mktemp("fleet"), rabbitmq.vhost(), backend)
        try:
            workers = [fleet.worker("celery", "theirs", "-P", "threads", "-c", "4"), fleet.worker("ours", "ours", "-c", "2")]
            clients = [fleet.client(side) for side in SIDES]
            for worker in workers:
                worker.ready()
            assert len(clients) == 2
            yield fleet
        finally:
            fleet.close()


@both_ways
@pytest.mark.parametrize("serializer", ["json", "msgpack", "pickle"])
def test_a_call_is_run_by_the_other_and_its_result_read(fleet: RabbitFleet, sender: str, runner: str, serializer: str) -> None:
    client = fleet.client(sender)

    sent = client.send("add", "([1, 'two', 'snow ☃'], [{'three': 4.5}])", queue=QUEUES[runner], serializer=serializer)

    assert client.get(sent)["value"] == [1, "two", "snow ☃", {"three": 4.5}]


@both_ways
def test_a_failure_comes_back_as_what_it_was(fleet: RabbitFleet, sender: str, runner: str) -> None:
    client = fleet.client(sender)

    found = client.get(client.send("fail", "('broken',)", queue=QUEUES[runner]))

    assert (found["state"], "broken" in found["value"]) == ("FAILURE", True)


@both_ways
def test_a_chain_goes_to_and_fro(fleet: RabbitFleet, sender: str, runner: str) -> None:
    other = QUEUES["ours" if runner == "celery" else "celery"]
    steps = f"chain(add.s(1, 2).set(queue='{QUEUES[runner]}'), add.s(3).set(queue='{other}'), add.s(4).set(queue='{QUEUES[runner]}'))"

    assert fleet.client(sender).ask("workflow", expression=steps)["value"] == 10


@both_ways
def test_a_countdown_is_kept(fleet: RabbitFleet, sender: str, runner: str) -> None:
    client, began = fleet.client(sender), time.time()

    assert client.get(client.send("add", "(1, 2)", queue=QUEUES[runner], countdown=1.5))["value"] == 3
    assert 1.5 <= time.time() - began < 8


def test_two_fleets_on_one_queue_run_everything_once(fleet: RabbitFleet) -> None:
    workers = [fleet.worker("celery", "shared", "-P", "threads", "-c", "2"), fleet.worker("ours", "shared", "-c", "2")]
    for worker in workers:
        worker.ready()

    sent = [fleet.client(side).send("side", "()", queue="shared") for side in SIDES for _ in range(40)]
    ran = [fleet.client("celery" if n < 40 else "ours").get(task_id)["value"] for n, task_id in enumerate(sent)]
    for worker in workers:
        worker.stop()

    assert len(ran) == 80
    assert set(ran) == {"celery", "ours"}
