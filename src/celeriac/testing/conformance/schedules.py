"""What every schedule store must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from celeriac.contracts.schedule_store import Firing, ScheduleRecord
from celeriac.testing.conformance.making import Fixtures, MakeBroker, fetch_names, message

ENTRY = ScheduleRecord("a", b"1", 60.0)


def firing(record: ScheduleRecord, slot: float, name: str, *, next_due: float | None = None) -> Firing:
    """Return the firing of one slot, whose message has this name."""
    return Firing(record.replace(next_due=next_due, last_run=slot, runs=record.runs + 1), slot, [message(name)])


class ScheduleStoreSuite(Fixtures):
    """The seam; a driver overrides ``make_schedule_store`` too."""

    @pytest.fixture
    def make_schedule_store(self) -> Callable[..., Any]:
        """Return a function that opens schedule stores on the store of ``make_broker``; it takes the name of a space."""
        raise pytest.UsageError("this suite needs the fixture make_schedule_store")

    @pytest.fixture
    def schedule(self, make_schedule_store: Callable[..., Any]) -> Any:
        """One schedule store."""
        return make_schedule_store()

    # -- entries

    def test_entries_are_kept_replaced_and_removed(self, schedule: Any, make_schedule_store: Callable[..., Any]) -> None:
        first, second = ScheduleRecord("a", b"1", 5.0), ScheduleRecord("b", b"2", None, 3.0, 7, False)
        schedule.put([first, second, ScheduleRecord("c", b"3")])
        schedule.put([first.replace(runs=2)])

        schedule.remove(["c", "unknown"])

        assert make_schedule_store().entries() == {"a": first.replace(runs=2), "b": second}

    def test_entries_are_found_by_name(self, schedule: Any) -> None:
        schedule.put([ENTRY, ScheduleRecord("b", b"2")])

        assert schedule.get(["a", "unknown"]) == {"a": ENTRY}
        assert schedule.get([]) == {}

    def test_more_entries_than_a_page_holds_are_all_found(self, schedule: Any) -> None:
        names = {f"entry-{number}" for number in range(2500)}
        schedule.put([ScheduleRecord(name, b"1", 5.0) for name in names])

        assert {record.name for record in schedule.scan()} == names

    def test_spaces_are_apart(self, schedule: Any, make_schedule_store: Callable[..., Any]) -> None:
        other = make_schedule_store("other")
        schedule.put([ENTRY])
        other.put([ENTRY.replace(next_due=70.0)])

        assert schedule.lead("one", 10.0)
        assert other.lead("two", 10.0)
        assert (schedule.next_due(), other.next_due()) == (60.0, 70.0)
        other.remove(["a"])
        assert schedule.entries() == {"a": ENTRY}

    def test_a_stamp_is_kept(self, schedule: Any, make_schedule_store: Callable[..., Any]) -> None:
        assert schedule.stamp() == ""
        schedule.set_stamp("first")
        schedule.set_stamp("second")

        assert make_schedule_store().stamp() == "second"

    # -- what is due

    def test_what_is_due_is_found_the_earliest_first(self, schedule: Any) -> None:
        assert schedule.next_due() is None
        schedule.put([ScheduleRecord("late", b"", 30.5), ScheduleRecord("early", b"", 10.25), ScheduleRecord("middle", b"", 20.0)])

        assert schedule.next_due() == 10.25
        assert [record.name for record in schedule.due_before(30.0, 10)] == ["early", "middle"]
        assert [record.name for record in schedule.due_before(99.0, 2)] == ["early", "middle"]
        assert schedule.due_before(10.0, 10) == []

    def test_disabled_and_finished_entries_are_never_due(self, schedule: Any) -> None:
        schedule.put([ScheduleRecord("paused", b"", 10.0, enabled=False), ScheduleRecord("finished", b"", None)])

        assert schedule.due_before(99.0, 10) == []
        assert schedule.next_due() is None

    def test_what_is_due_follows_every_change(self, schedule: Any) -> None:
        schedule.put([ScheduleRecord("a", b"", 10.0), ScheduleRecord("b", b"", 20.0)])
        schedule.put([ScheduleRecord("a", b"", 30.0)])
        assert schedule.next_due() == 20.0
        schedule.put([ScheduleRecord("b", b"", 20.0, enabled=False)])
        assert schedule.next_due() == 30.0
        schedule.put([ScheduleRecord("b", b"", 20.0)])
        assert schedule.next_due() == 20.0
        schedule.remove(["b"])
        assert schedule.next_due() == 30.0

    # -- the lead

    def test_one_leads_and_keeps_the_lead(self, schedule: Any, advance: Callable[[float], None]) -> None:
        token = schedule.lead("one", 1.0)

        assert token is not None
        assert schedule.lead("two", 1.0) is None
        advance(0.7)
        assert schedule.lead("one", 1.0) == token
        advance(0.7)
        assert schedule.lead("two", 1.0) is None
        assert schedule.leader() == "one"

    def test_the_token_grows_with_every_change_of_leader(self, schedule: Any, advance: Callable[[float], None]) -> None:
        first = schedule.lead("one", 1.0)
        advance(1.5)
        assert schedule.leader() is None
        second = schedule.lead("two", 1.0)
        advance(1.5)
        third = schedule.lead("one", 1.0)

        assert first < second < third

    def test_who_resigns_is_replaced_at_once(self, schedule: Any) -> None:
        first = schedule.lead("one", 60.0)
        schedule.resign("two")
        assert schedule.lead("two", 60.0) is None
        schedule.resign("one")

        assert schedule.leader() is None
        assert schedule.lead("two", 60.0) > first

    # -- firing

    def test_a_slot_is_fired_once(self, schedule: Any, make_broker: MakeBroker) -> None:
        schedule.put([ENTRY])
        token = schedule.lead("one", 10.0)

        assert schedule.fire(token, [firing(ENTRY, 60.0, "m", next_due=90.0)]) == [True]
        assert schedule.fire(token, [firing(ENTRY.replace(runs=8), 60.0, "again")]) == [False]

        assert fetch_names(make_broker()) == ["m"]
        assert schedule.entries()["a"] == ENTRY.replace(next_due=90.0, last_run=60.0, runs=1)
        assert schedule.next_due() == 90.0

    def test_many_slots_are_fired_together(self, schedule: Any, make_broker: MakeBroker) -> None:
        other = ScheduleRecord("b", b"2", 61.0)
        schedule.put([ENTRY, other])
        token = schedule.lead("one", 10.0)

        done = schedule.fire(token, [firing(ENTRY, 60.0, "m1", next_due=61.0), firing(ENTRY, 61.0, "m2"), firing(other, 61.0, "m3")])

        assert done == [True, True, True]
        assert fetch_names(make_broker()) == ["m1", "m2", "m3"]
        assert schedule.next_due() is None

    def test_an_old_leader_fires_nothing(self, schedule: Any, make_broker: MakeBroker, advance: Callable[[float], None]) -> None:
        schedule.put([ENTRY])
        old = schedule.lead("one", 1.0)
        advance(1.5)
        new = schedule.lead("two", 1.0)

        assert schedule.fire(old, [firing(ENTRY, 60.0, "old")]) == [False]
        assert schedule.fire(new, [firing(ENTRY, 60.0, "new")]) == [True]

        assert fetch_names(make_broker()) == ["new"]

    def test_an_entry_that_was_edited_paused_or_removed_is_not_fired(self, schedule: Any, make_broker: MakeBroker) -> None:
        token = schedule.lead("one", 10.0)

        schedule.put([ENTRY.replace(body=b"edited")])
        assert schedule.fire(token, [firing(ENTRY, 60.0, "edited")]) == [False]
        schedule.put([ENTRY.replace(enabled=False)])
        assert schedule.fire(token, [firing(ENTRY, 60.0, "paused")]) == [False]
        schedule.remove(["a"])
        assert schedule.fire(token, [firing(ENTRY, 60.0, "removed")]) == [False]

        assert schedule.entries() == {}
        assert fetch_names(make_broker()) == []

    def test_an_edit_does_not_forget_what_was_fired_unless_it_begins_afresh(self, schedule: Any) -> None:
        schedule.put([ENTRY])
        token = schedule.lead("one", 10.0)
        assert schedule.fire(token, [firing(ENTRY, 60.0, "m")]) == [True]

        schedule.put([ENTRY])
        assert schedule.fire(token, [firing(ENTRY, 60.0, "again")]) == [False]
        schedule.put([ENTRY], afresh=True)
        assert schedule.fire(token, [firing(ENTRY, 60.0, "afresh")]) == [True]
