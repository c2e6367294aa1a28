"""Moving from Celery to ours and back on RabbitMQ while clients of both send, delayed calls too: every task runs once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from tests.harness.fixtures import ROUNDS
from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)
from tests.harness.waiting import eventually
from tests.interop.fleet_sides import SIDES
from tests.interop.peer import require_peers
from tests.interop.test_rabbitmq import RabbitFleet

pytestmark = pytest.mark.skipif(ROUNDS < 20, reason="three workers start one after the other: make fault")


@pytest.mark.timeout(180)
def test_a_fleet_moves_there_and_back_while_clients_send(rabbitmq: RabbitServer, tmp_path: Path) -> None:  # noqa: F811
    """The steps of docs/how-to/mixed-fleet.md."""
    require_peers()
    fleet, sent, delayed = RabbitFleet(tmp_path, rabbitmq.vhost(), "rpc://"), [], []

    def send() -> None:
        for side in SIDES:
            client = fleet.client(side)
            sent.extend(client.ask("send_many", name="count", count=50, options={"queue": "shared"})["ids"])
            delayed.extend(client.ask("send_many", name="count", count=10, options={"queue": "shared", "countdown": 1.5})["ids"])

    try:
        first = fleet.worker("celery", "shared", "-P", "solo").ready()
        send()
        ours = fleet.worker("ours", "shared", "-c", "2").ready()
        send()
        first.stop()
        send()
        last = fleet.worker("celery", "shared", "-P", "solo").ready()
        send()
        ours.stop()
        send()
        wanted = [*sent, *delayed]
        eventually(lambda: fleet.ledger.count("end") >= len(wanted), "all have run", timeout=40, explain=lambda: str(fleet.ledger.count("end")))
        time.sleep(0.5)  # one that runs twice would have by now
        ran = Counter(entry.id for entry in fleet.ledger.entries("end"))
        last.stop()
    finally:
        fleet.close()

    assert ran == dict.fromkeys(wanted, 1)
    assert {entry.note for entry in fleet.ledger.entries("end")} == set(SIDES)
