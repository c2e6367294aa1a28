"""What every schedule store must do, of the one in Django's database; run by pytest inside of the project."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest

django.setup()

from django.db import models  # noqa: E402

from celeriac.beat.apart import Apart  # noqa: E402
from celeriac.django.models import PeriodicTask, Scheduler  # noqa: E402
from celeriac.django.schedule_store import ModelScheduleStore  # noqa: E402
from celeriac.drivers.registry import open_broker  # noqa: E402
from celeriac.lib.clock import ManualClock  # noqa: E402
from celeriac.testing.conformance import ScheduleStoreSuite  # noqa: E402
from celeriac.testing.conformance.making import fetch_names  # noqa: E402
from celeriac.testing.conformance.schedules import ENTRY, firing  # noqa: E402

_numbers = itertools.count()


class TestSchedules(ScheduleStoreSuite):
    @pytest.fixture(autouse=True)
    def _empty(self) -> Iterator[None]:
        yield
        for kind in (PeriodicTask, Scheduler):
            models.QuerySet(kind).all().delete()

    @pytest.fixture
    def make_broker(self, clock: ManualClock) -> Any:
        url = f"memory://schedules-{next(_numbers)}"

        def make(owner: str = "w1", lease: float = 10.0) -> Any:
            broker = open_broker(url, owner=owner, options={"lease": lease, "clock": clock})
            broker.connect()
            return broker

        return make

    @pytest.fixture
    def make_schedule_store(self, make_broker: Any, clock: ManualClock) -> Callable[..., Any]:
        def now(seconds: float) -> Any:
            return models.Value(datetime.datetime.fromtimestamp(clock.now() + seconds, datetime.UTC), output_field=models.DateTimeField())

        broker = make_broker("beat")
        return lambda space="": Apart(ModelScheduleStore(space, now=now), broker.publish)

    def test_an_old_leader_fires_nothing(self, make_schedule_store: Any, make_broker: Any, advance: Any) -> None:
        # As it is in life: each scheduler has a store of its own.
        former, latter = make_schedule_store(), make_schedule_store()
        former.put([ENTRY])
        old = former.lead("one", 1.0)
        advance(1.5)
        new = latter.lead("two", 1.0)

        assert former.fire(old, [firing(ENTRY, 60.0, "old")]) == [False]
        assert latter.fire(new, [firing(ENTRY, 60.0, "new")]) == [True]
        assert fetch_names(make_broker()) == ["new"]

    def test_the_database_s_own_clock_ends_a_lease(self) -> None:
        store = ModelScheduleStore("real")

        first = store.lead("one", 0.0)
        assert store.leader() is None
        second = store.lead("two", 60.0)
        assert [store.leader(), store.lead("one", 60.0), store.lead("two", 60.0)] == ["two", None, second]
        assert first == second - 1
