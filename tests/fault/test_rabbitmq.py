"""RabbitMQ goes away while a worker of ours works: whatever is cut, late-acknowledged work is done, and none of it is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from celeriac.drivers.registry import open_broker
from celeriac.model.errors import OperationalError
from tests.harness.rabbitmq import RabbitServer, running_server
from tests.harness.waiting import eventually
from tests.interop.fleet_sides import Client, Fleet

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A server that only these tests disturb."""
    with running_server(tmp_path_factory) as server:
        yield server


@pytest.fixture
def fleet(server: RabbitServer, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, server.vhost())
    fleet_environment = fleet.environment
    fleet.environment = lambda side, **conf: {**fleet_environment(side, **conf), "FLEET_BACKEND": "rpc://"}  # type: ignore[method-assign]
    try:
        yield fleet
    finally:
        fleet.close()


def close_all(server: RabbitServer) -> None:
    server.ctl("close_all_connections", "a test")


def restart(server: RabbitServer) -> None:
    server.stop()
    server.start()


def kill(server: RabbitServer) -> None:
    server.kill()
    server.start()


@pytest.mark.parametrize("trouble", [close_all, restart, kill], ids=["connections-closed", "restarted", "killed"])
def test_nothing_is_lost_or_doubled_and_the_worker_goes_on(
    server: RabbitServer, fleet: Fleet, tmp_path: Path, trouble: Callable[[RabbitServer], None]
) -> None:
    until = tmp_path / "go on"
    worker = fleet.worker("ours", "work", "-c", "2").ready()
    client = fleet.client("ours")
    sent = [client.send("hold_late", f"({str(until)!r},)", queue="work") for _ in range(40)]
    fleet.ledger.wait_for("begin", 2)

    trouble(server)
    back = time.monotonic()
    until.touch()
    sent.append(eventually(lambda: _sent(client, until), "a client can send again", timeout=30))

    eventually(lambda: sent[-1] in _count(fleet, "end"), "what was sent afterwards is run", timeout=15, explain=lambda: worker.log)
    assert time.monotonic() - back < 5
    eventually(lambda: set(sent) <= set(_count(fleet, "end")), "what was sent before is run", timeout=30, explain=lambda: worker.log)
    _empty(fleet.url)
    # What was in a task process when the connection was cut is known to be there when it is delivered again.
    assert _count(fleet, "begin") == Counter(sent)


def _sent(client: Client, until: Path) -> str:
    try:
        return client.send("hold_late", f"({str(until)!r},)", queue="work")
    except AssertionError:
        return ""


def _count(fleet: Fleet, event: str) -> Counter[str]:
    return Counter(entry.id for entry in fleet.ledger.entries(event))


def _empty(url: str) -> None:
    broker = open_broker(url)
    broker.connect()
    try:
        eventually(lambda: broker.depth("work") == 0, "the queue is empty", timeout=10)
    except OperationalError:
        pytest.fail("the server is away")
    finally:
        broker.close()
