"""Conformance suites: what every driver must do, as pytest classes.

A driver author subclasses the suites of the powers the driver has and overrides the fixtures ``make_broker``, ``make_backend`` and ``advance``::

    class Driver:
        @pytest.fixture
        def make_broker(self, tmp_path):
            return lambda owner="w1": connected(open_broker(f"mine://{tmp_path}", owner=owner))

    class TestBroker(Driver, BrokerSuite): ...
    class TestDelays(Driver, DelaysSuite): ...
"""

from __future__ import annotations

from celeriac.testing.conformance.backends import BackendSuite, ChordsSuite, DueChordsSuite, ExpiresSuite, GroupsSuite, NotifiesSuite
from celeriac.testing.conformance.begun import BegunSuite
from celeriac.testing.conformance.brokers import BrokerSuite
from celeriac.testing.conformance.custody import (
    BroadcastsSuite,
    CountsStartsSuite,
    DeadLettersSuite,
    LeasesSuite,
    RemovesDelayedSuite,
    RevokedSuite,
    ShowsDelayedSuite,
)
from celeriac.testing.conformance.ordering import DelaysSuite, PrioritizesSuite, RoutingSuite
from celeriac.testing.conformance.processes import ProcessesSuite
from celeriac.testing.conformance.schedules import ScheduleStoreSuite
from celeriac.testing.conformance.settlers import AtomicSettlerSuite, SettlerSuite

__all__ = [
    "AtomicSettlerSuite",
    "BackendSuite",
    "BegunSuite",
    "BroadcastsSuite",
    "BrokerSuite",
    "ChordsSuite",
    "CountsStartsSuite",
    "DeadLettersSuite",
    "DelaysSuite",
    "DueChordsSuite",
    "ExpiresSuite",
    "GroupsSuite",
    "LeasesSuite",
    "NotifiesSuite",
    "PrioritizesSuite",
    "ProcessesSuite",
    "RemovesDelayedSuite",
    "RevokedSuite",
    "RoutingSuite",
    "ScheduleStoreSuite",
    "SettlerSuite",
    "ShowsDelayedSuite",
]
