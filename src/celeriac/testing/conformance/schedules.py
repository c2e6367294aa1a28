"""What every schedule store must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from celeriac.contracts.schedule_store import ScheduleRecord
from celeriac.testing.conformance.making import Fixtures, MakeBroker, fetch_names, message


class ScheduleStoreSuite(Fixtures):
    """The seam; a driver overrides ``make_schedule_store`` too."""

    @pytest.fixture
    def make_schedule_store(self) -> Callable[[], Any]:
        """Return a function that opens schedule stores on the store of ``make_broker``."""
        raise pytest.UsageError("this suite needs the fixture make_schedule_store")

    @pytest.fixture
    def schedule(self, make_schedule_store: Callable[[], Any]) -> Any:
        """One schedule store."""
        return make_schedule_store()

    def test_entries_are_kept_replaced_and_removed(self, schedule: Any, make_schedule_store: Callable[[], Any]) -> None:
        first, second = ScheduleRecord("a", b"1", 5.0), ScheduleRecord("b", b"2", None, 3.0, 7, False)
        schedule.put([first, second, ScheduleRecord("c", b"3")])
        schedule.put([first.replace(runs=2)])

        schedule.remove(["c", "unknown"])

        assert make_schedule_store().entries() == {"a": first.replace(runs=2), "b": second}

    def test_one_leads_and_keeps_the_lead(self, schedule: Any, advance: Callable[[float], None]) -> None:
        token = schedule.lead("one", 1.0)

        assert token is not None
        assert schedule.lead("two", 1.0) is None
        advance(0.7)
        assert schedule.lead("one", 1.0) == token
        advance(0.7)
        assert schedule.lead("two", 1.0) is None

    def test_the_token_grows_with_every_change_of_leader(self, schedule: Any, advance: Callable[[float], None]) -> None:
        first = schedule.lead("one", 1.0)
        advance(1.5)
        second = schedule.lead("two", 1.0)
        advance(1.5)
        third = schedule.lead("one", 1.0)

        assert first < second < third

    def test_a_slot_is_fired_once(self, schedule: Any, make_broker: MakeBroker) -> None:
        entry = ScheduleRecord("a", b"1", 60.0)
        token = schedule.lead("one", 10.0)

        assert schedule.fire(token, entry.replace(runs=1), 60.0, [message("m")])
        assert not schedule.fire(token, entry.replace(runs=9), 60.0, [message("again")])

        assert fetch_names(make_broker()) == ["m"]
        assert schedule.entries()["a"].runs == 1

    def test_an_old_leader_fires_nothing(self, schedule: Any, make_broker: MakeBroker, advance: Callable[[float], None]) -> None:
        old = schedule.lead("one", 1.0)
        advance(1.5)
        new = schedule.lead("two", 1.0)

        assert not schedule.fire(old, ScheduleRecord("a", b"1"), 60.0, [message("old")])
        assert schedule.fire(new, ScheduleRecord("a", b"1"), 60.0, [message("new")])

        assert fetch_names(make_broker()) == ["new"]
