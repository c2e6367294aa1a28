from __future__ import annotations

import uuid

import pytest

from celeriac.drivers.memory.opening import schedule_store
from celeriac.drivers.registry import open_backend, open_broker
from celeriac.lib.clock import ManualClock
from celeriac.lib.urls import parse
from celeriac.testing.conformance import (
    AtomicSettlerSuite,
    BackendSuite,
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
    RemovesDelayedSuite,
    RevokedSuite,
    RoutingSuite,
    ScheduleStoreSuite,
    ShowsDelayedSuite,
)


class Memory:
    @pytest.fixture
    def name(self):
        return uuid.uuid4().hex

    @pytest.fixture
    def make_broker(self, name: str, clock: ManualClock):
        def make(owner: str = "w1", lease: float = 10.0):
            broker = open_broker(f"memory://{name}", owner=owner, options={"lease": lease, "clock": clock})
            broker.connect()
            return broker

        return make

    @pytest.fixture
    def make_backend(self, name: str, clock: ManualClock):
        return lambda: open_backend(f"cache+memory://{name}", options={"clock": clock})


class TestBroker(Memory, BrokerSuite): ...


class TestRouting(Memory, RoutingSuite): ...


class TestDelays(Memory, DelaysSuite): ...


class TestPriorities(Memory, PrioritizesSuite): ...


class TestLeases(Memory, LeasesSuite): ...


class TestDeadLetters(Memory, DeadLettersSuite): ...


class TestBroadcasts(Memory, BroadcastsSuite): ...


class TestRevoked(Memory, RevokedSuite): ...


class TestShowingDelayed(Memory, ShowsDelayedSuite): ...


class TestRemovingDelayed(Memory, RemovesDelayedSuite): ...


class TestCountingStarts(Memory, CountsStartsSuite): ...


class TestBackend(Memory, BackendSuite): ...


class TestExpiry(Memory, ExpiresSuite): ...


class TestNotifying(Memory, NotifiesSuite): ...


class TestChords(Memory, ChordsSuite): ...


class TestDueChords(Memory, DueChordsSuite): ...


class TestGroups(Memory, GroupsSuite): ...


class TestSettler(Memory, AtomicSettlerSuite): ...


class TestSchedule(Memory, ScheduleStoreSuite):
    @pytest.fixture
    def make_schedule_store(self, name: str, clock: ManualClock):
        return lambda space="": schedule_store(parse(f"memory://{name}"), {"clock": clock, "space": space})
