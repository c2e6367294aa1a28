from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from celeriac.drivers.redis.opening import schedule_store
from celeriac.drivers.registry import open_backend, open_broker
from celeriac.lib.clock import SystemClock
from celeriac.lib.urls import parse
from celeriac.testing.conformance import (
    AtomicSettlerSuite,
    BackendSuite,
    BegunSuite,
    BroadcastsSuite,
    BrokerSuite,
    ChordsSuite,
    CountsStartsSuite,
    DeadLettersSuite,
    DelaysSuite,
    DueChordsSuite,
    ExpiresSuite,
    GroupsSuite,
    LeasesSuite,
    NotifiesSuite,
    PrioritizesSuite,
    ProcessesSuite,
    RemovesDelayedSuite,
    RevokedSuite,
    RoutingSuite,
    ScheduleStoreSuite,
    SettlerSuite,
    ShowsDelayedSuite,
)
from celeriac.testing.conformance.making import Fixtures, fetch, fetch_names, message, publish
from celeriac.wire.times import format_time
from tests.harness.redis_server import RedisServer, running, running_cluster


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


class Redis:
    """The server's own clock counts, so time cannot be set: tests wait."""

    options: dict[str, object] = {}

    @pytest.fixture
    def url(self, server: RedisServer) -> str:
        return server.new_url()

    @pytest.fixture
    def broker_url(self, url: str) -> str:
        return url

    @pytest.fixture
    def backend_url(self, url: str) -> str:
        return url

    @pytest.fixture
    def clock(self):
        return SystemClock()

    @pytest.fixture
    def advance(self):
        return time.sleep

    @pytest.fixture
    def make_broker(self, broker_url: str):
        made = []

        def make(owner: str = "w1", lease: float = 10.0):
            broker = open_broker(broker_url, owner=owner, options={"lease": lease, **self.options})
            broker.connect()
            made.append(broker)
            return broker

        yield make
        for broker in made:
            broker.close()

    @pytest.fixture
    def make_backend(self, backend_url: str):
        return lambda: open_backend(backend_url, options=self.options)


class TestBroker(Redis, BrokerSuite): ...


class TestRouting(Redis, RoutingSuite): ...


class TestDelays(Redis, DelaysSuite):
    def test_what_was_delayed_after_the_last_look_is_not_slept_over(self, make_broker) -> None:
        waiting, sender = make_broker("w1"), make_broker("w2")
        for _ in range(3):
            assert fetch(waiting) == []
            began = time.monotonic()
            publish(sender, "a", due=time.time() + 0.1)

            assert fetch_names(waiting, wait=5.0) == ["a"]
            assert time.monotonic() - began < 1.0


    def test_what_is_due_first_comes_first_even_if_it_has_waited_in_the_queue(self, make_broker) -> None:
        """Due messages go before all others; were the later of them put before the earlier, a busy queue would never come to those."""
        broker, sender = make_broker("w1"), make_broker("w2")
        assert fetch(broker) == []
        for batch in range(3):
            due = time.time() + 0.05
            messages = [message(f"{batch}{n}", due=due + n / 1e6) for n in range(3)]
            for one in messages:
                one.envelope.headers["eta"] = format_time(due)
            sender.publish(messages)
            time.sleep(0.06)
            sender.recover()
            publish(sender, f"plain {batch}")

        assert fetch_names(broker, limit=1) == ["00"]
        assert fetch_names(broker, limit=20) == ["01", "02", "plain 0", "plain 1", "plain 2"]
        assert fetch_names(broker, limit=20) == ["10", "11", "12", "20", "21", "22"]


class TestShowingDelayed(Redis, ShowsDelayedSuite): ...


class TestRemovingDelayed(Redis, RemovesDelayedSuite): ...


class TestPriorities(Redis, PrioritizesSuite): ...


class TestLeases(Redis, LeasesSuite): ...


class TestBegun(Redis, BegunSuite): ...


class TestDeadLetters(Redis, DeadLettersSuite): ...


class TestBroadcasts(Redis, BroadcastsSuite): ...


class TestRevoked(Redis, RevokedSuite): ...


class TestCountingStarts(Redis, CountsStartsSuite): ...


class TestBackend(Redis, BackendSuite): ...


class TestExpiry(Redis, ExpiresSuite):
    test_cleanup_removes_what_has_expired = None  # Redis does it by itself


class TestNotifying(Redis, NotifiesSuite): ...


class TestChords(Redis, ChordsSuite): ...


class TestDueChords(Redis, DueChordsSuite): ...


class TestGroups(Redis, GroupsSuite): ...


class TestSettler(Redis, AtomicSettlerSuite): ...


class TestProcesses(Redis, ProcessesSuite): ...


class TestSchedule(Redis, ScheduleStoreSuite):
    @pytest.fixture
    def make_schedule_store(self, broker_url: str):
        return lambda space="": schedule_store(parse(broker_url), {"space": space})


class Prefixed(Redis):
    options = {"global_keyprefix": "pre:"}


class TestBrokerWithPrefix(Prefixed, BrokerSuite): ...


class TestSettlerWithPrefix(Prefixed, AtomicSettlerSuite): ...


class TestSettlerOfTwoDatabases(Redis, AtomicSettlerSuite):
    @pytest.fixture
    def backend_url(self, server: RedisServer) -> str:
        return server.new_url()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    with running_cluster(Path(tmp_path_factory.mktemp("cluster"))) as servers:
        yield servers


class Cluster(Redis):
    @pytest.fixture
    def url(self, cluster: list[RedisServer]) -> str:
        for server in cluster:
            server.command("FLUSHALL")
        return f"redis+cluster://127.0.0.1:{cluster[0].port}"


class TestBrokerInACluster(Cluster, BrokerSuite): ...


class TestRoutingInACluster(Cluster, RoutingSuite): ...


class TestDelaysInACluster(Cluster, DelaysSuite): ...


class TestPrioritiesInACluster(Cluster, PrioritizesSuite): ...


class TestLeasesInACluster(Cluster, LeasesSuite): ...


class TestBegunInACluster(Cluster, Fixtures):
    test_inheriting = BegunSuite.test_what_a_dead_owner_had_begun_never_goes_back_and_is_inherited_once


class TestDeadLettersInACluster(Cluster, DeadLettersSuite): ...


class TestBroadcastsInACluster(Cluster, BroadcastsSuite): ...


class TestBackendInACluster(Cluster, BackendSuite): ...


class TestNotifyingInACluster(Cluster, NotifiesSuite): ...


class TestChordsInACluster(Cluster, ChordsSuite): ...


class TestDueChordsInACluster(Cluster, DueChordsSuite): ...


class TestGroupsInACluster(Cluster, GroupsSuite): ...


class TestSettlerInACluster(Cluster, SettlerSuite): ...


class TestRevokedInACluster(Cluster, RevokedSuite): ...


class TestCountingStartsInACluster(Cluster, CountsStartsSuite): ...
