from __future__ import annotations

from pathlib import Path

import pytest

from celeriac.drivers.registry import open_backend, open_broker
from celeriac.drivers.sql.opening import schedule_store
from celeriac.lib.clock import ManualClock
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
    ShowsDelayedSuite,
)


class Sqlite:
    @pytest.fixture
    def broker_url(self, tmp_path: Path) -> str:
        return f"sqla+sqlite:///{tmp_path}/folder/celeriac.sqlite3"

    @pytest.fixture
    def backend_url(self, tmp_path: Path) -> str:
        return f"db+sqlite:///{tmp_path}/folder/celeriac.sqlite3"

    @pytest.fixture
    def make_broker(self, broker_url: str, clock: ManualClock):
        def make(owner: str = "w1", lease: float = 10.0):
            broker = open_broker(broker_url, owner=owner, options={"lease": lease, "clock": clock})
            broker.connect()
            return broker

        return make

    @pytest.fixture
    def make_backend(self, backend_url: str, clock: ManualClock):
        return lambda: open_backend(backend_url, options={"clock": clock})


class TestBroker(Sqlite, BrokerSuite): ...


class TestRouting(Sqlite, RoutingSuite): ...


class TestDelays(Sqlite, DelaysSuite): ...


class TestPriorities(Sqlite, PrioritizesSuite): ...


class TestLeases(Sqlite, LeasesSuite): ...


class TestBegun(Sqlite, BegunSuite): ...


class TestDeadLetters(Sqlite, DeadLettersSuite): ...


class TestBroadcasts(Sqlite, BroadcastsSuite): ...


class TestRevoked(Sqlite, RevokedSuite): ...


class TestShowingDelayed(Sqlite, ShowsDelayedSuite): ...


class TestRemovingDelayed(Sqlite, RemovesDelayedSuite): ...


class TestCountingStarts(Sqlite, CountsStartsSuite): ...


class TestBackend(Sqlite, BackendSuite): ...


class TestExpiry(Sqlite, ExpiresSuite): ...


class TestNotifying(Sqlite, NotifiesSuite): ...


class TestChords(Sqlite, ChordsSuite): ...


class TestDueChords(Sqlite, DueChordsSuite): ...


class TestGroups(Sqlite, GroupsSuite): ...


class TestSettler(Sqlite, AtomicSettlerSuite): ...


class TestProcesses(Sqlite, ProcessesSuite): ...


class TestSchedule(Sqlite, ScheduleStoreSuite):
    @pytest.fixture
    def make_schedule_store(self, broker_url: str, clock: ManualClock):
        return lambda space="": schedule_store(parse(broker_url), {"clock": clock, "space": space})
