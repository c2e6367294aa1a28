"""The command line over Redis: what waits, what is delayed, what was set aside, and how the server is set up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually
from tests.interop.fleet_sides import Fleet


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def fleet(server: RedisServer, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, server.new_url())
    yield fleet
    fleet.close()


def test_dead_letters_are_listed_shown_put_back_and_forgotten(fleet: Fleet) -> None:
    worker = fleet.worker("ours", "shared", "-P", "solo", FLEET_SET_ASIDE="1").ready()
    first, second = (fleet.client("ours").send("count", queue="shared") for _ in range(2))
    eventually(lambda: first in (listed := fleet.cli("dead", "list", "-Q", "shared").stdout) and second in listed, "both are set aside")
    worker.stop()

    shown = fleet.cli("dead", "show", first).stdout
    assert "queue: shared" in shown
    assert "fleet.count" in shown
    assert fleet.cli("dead", "purge", first, "-f").stdout == "Forgot 1 message.\n"
    assert fleet.cli("dead", "replay", second).stdout == "Put back 1 message.\n"
    assert fleet.cli("dead", "list").stderr == "There are no dead letters.\n"
    assert fleet.cli("queues", "-Q", "shared,other").stdout == "shared  1\nother   0\n"
    fleet.worker("ours", "shared", "-P", "solo")
    fleet.ledger.wait_for("end", task_id=second)


def test_queues_are_counted_and_purged_with_what_is_delayed(fleet: Fleet) -> None:
    worker = fleet.worker("ours", "nobody", "-P", "solo").ready()
    later = fleet.client("ours").send("count", queue="nobody", countdown=100)
    eventually(lambda: later in fleet.cli("delayed", "list").stdout, "it is delayed")
    worker.stop()
    for priority in (0, 5):
        fleet.client("ours").send("count", queue="nobody", priority=priority)

    assert fleet.cli("queues").stdout == "nobody  3\n"
    assert "Purged 3 messages" in fleet.cli("purge", "-f").stdout
    assert fleet.cli("queues").stdout == "nobody  0\n"
    assert fleet.cli("delayed", "list", "-Q", "nobody").stderr == "Nothing is delayed.\n"
    gone = fleet.cli("delayed", "remove", later)
    assert (gone.returncode, gone.stderr) == (1, f"Nothing is delayed of {later}.\n")


def test_a_server_that_may_throw_queues_away_is_warned_of(fleet: Fleet) -> None:
    with redis.Redis.from_url(fleet.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            worker = fleet.worker("ours", "shared", "-P", "solo").ready()
            checked = fleet.cli("check")
        finally:
            client.config_set("maxmemory-policy", "noeviction")

    for said in (worker.log, checked.stdout):
        assert "maxmemory-policy allkeys-lru" in said
        assert "Set it to noeviction" in said
    assert checked.returncode == 0
    assert "maxmemory-policy" not in fleet.cli("check").stdout
