"""Schedule classes of third parties, and schedules as plain values."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from celeriac.schedules import BaseSchedule, ScheduleError, clocked, codec, crontab, schedstate, schedule, solar
from celeriac.schedules.contract import is_polled
from celeriac.schedules.entry import Due, Timing, due

T = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class OnlyWhenCold(schedule):
    """Asked as Celery's beat asks: only ``is_due`` is its own."""

    def __init__(self, run_every: float, limit: int = 5) -> None:
        super().__init__(run_every)
        self.limit = limit

    def is_due(self, last_run_at: datetime) -> schedstate:
        if (self.now() - last_run_at).total_seconds() < self.limit:
            return schedstate(False, 2.5)
        return schedstate(True, 7)


class Remaining(BaseSchedule):
    def __init__(self, zone: ZoneInfo, days: set[int], pause: timedelta) -> None:
        super().__init__()
        self.zone, self.days, self.pause = zone, days, pause

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        return last_run_at + self.pause - self.now()


class Slots(schedule):
    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        return super().next_after(moment, anchor=datetime(2026, 1, 1, tzinfo=UTC))


class Mute(BaseSchedule):
    pass


class Reduced(crontab):
    def __init__(self, hour: int) -> None:
        super().__init__(0, hour)

    def __reduce__(self) -> Any:
        return type(self), (next(iter(self.hour)),)


def test_a_class_with_only_is_due_is_polled_by_the_given_time() -> None:
    timing = Timing(schedule=OnlyWhenCold(1))

    assert Due((), 0, T + 3.5, None) == due(timing, None, T, T + 1)
    assert Due((T + 6,), 0, T + 13, T + 6) == due(timing, None, T, T + 6)
    assert Due((), 0, T + 8.5 + 2.5, T + 6) == due(timing, T + 6, T, T + 8.5)


def test_a_class_with_only_remaining_estimate_is_polled_too() -> None:
    timing = Timing(schedule=Remaining(ZoneInfo("UTC"), {1}, timedelta(seconds=30)))

    assert Due((), 0, T + 30, None) == due(timing, None, T, T + 10)
    assert Due((T + 31,), 0, T + 61, T + 31) == due(timing, None, T, T + 31)


def test_a_class_with_slots_of_its_own_is_not_polled() -> None:
    assert [True, True, True, False, False, False] == [
        is_polled(each) for each in (OnlyWhenCold(1), Remaining(ZoneInfo("UTC"), set(), timedelta()), Mute(), Slots(5), crontab(), schedule(1))
    ]
    assert T + 5 == due(Timing(schedule=Slots(5)), None, T + 2, T + 3).next


def test_polling_respects_the_entrys_bounds() -> None:
    bounds = {"start": datetime.fromtimestamp(T + 100, UTC), "end": datetime.fromtimestamp(T + 200, UTC)}
    timing = Timing(schedule=OnlyWhenCold(1), **bounds)

    assert T + 100 == due(timing, None, T, T + 10).next
    assert None is due(timing, None, T, T + 201).next
    assert None is due(timing.replace(one_off=True), None, T, T + 150).next


def test_a_class_that_says_nothing_is_told_what_to_define() -> None:
    with pytest.raises(TypeError, match="Mute says nowhere when it is due: define next_after, is_due or remaining_estimate"):
        due(Timing(schedule=Mute()), None, T, T)


def test_a_wrong_answer_is_shown() -> None:
    class Wrong(schedule):
        def is_due(self, last_run_at: datetime) -> Any:
            return True

    with pytest.raises(TypeError, match="has to return"):
        due(Timing(schedule=Wrong(1)), None, T, T)


@pytest.mark.parametrize(
    "value",
    [
        schedule(10),
        schedule(0.25, relative=True),
        crontab("*/5", {1, 2}, "mon#2", [8, "9-10"], timezone="Europe/Berlin"),
        crontab.from_string("@daily"),
        clocked(datetime(2026, 1, 1)),
        clocked(datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))),
        solar("sunset", -37.8, 144.9),
        OnlyWhenCold(3, limit=9),
        Remaining(ZoneInfo("Asia/Tokyo"), {3, 1}, timedelta(days=1, microseconds=1)),
        Reduced(7),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_schedules_go_through_json_and_pickle(value: BaseSchedule) -> None:
    read = codec.decode(json.loads(json.dumps(codec.encode(value))))

    assert value == read
    assert type(value) is type(read)
    assert value.next_after(datetime(2026, 5, 1, tzinfo=UTC)) == read.next_after(datetime(2026, 5, 1, tzinfo=UTC)) or isinstance(value, Remaining)
    assert isinstance(value, OnlyWhenCold) or value == pickle.loads(pickle.dumps(value))


def test_a_crontab_is_readable_where_it_is_stored() -> None:
    expected = {"type": "crontab", "minute": "*/5", "hour": [1, 2], "day_of_week": "*", "day_of_month": "*", "month_of_year": "*", "timezone": "UTC"}

    assert expected == codec.encode(crontab("*/5", {2, 1}, timezone="UTC"))


def test_what_cannot_be_stored_is_refused_by_name() -> None:
    class Local(schedule):
        pass

    unreadable = OnlyWhenCold(1)
    unreadable.limit = object()  # type: ignore[assignment]

    with pytest.raises(ScheduleError, match=r"the schedule class Local cannot be stored"):
        codec.encode(Local(5))
    with pytest.raises(ScheduleError, match=r"nowfun of .* cannot be stored"):
        codec.encode(crontab(nowfun=lambda: datetime.now(UTC)))
    with pytest.raises(ScheduleError, match=r"OnlyWhenCold\.limit=<object .* cannot be stored"):
        codec.encode(unreadable)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"type": "cron"}, "it may be interval, crontab, solar, clocked or custom"),
        ({}, "type=None"),
        ({"type": "crontab", "minut": 1}, "minut"),
        ({"type": "custom", "class": "no_such_module:Thing"}, "is not importable here"),
        ({"type": "custom", "class": "json:dumps"}, "is no schedule class"),
    ],
)
def test_what_is_no_stored_schedule_is_refused(plain: dict[str, Any], said: str) -> None:
    with pytest.raises(ScheduleError, match=said):
        codec.decode(plain)


def test_a_deadline_of_crontabs_is_kept_for_schedulers_that_ask_them() -> None:
    conf = type("Conf", (), {"beat_cron_starting_deadline": 60, "enable_utc": True})()
    app: Any = type("App", (), {"conf": conf, "timezone": UTC})()
    midnight = datetime(2026, 1, 1, tzinfo=UTC)

    def state(seconds: float) -> bool:
        return crontab(0, 0, app=app, nowfun=lambda: midnight + timedelta(seconds=seconds)).is_due(midnight - timedelta(hours=1)).is_due

    assert [False, True, False] == [state(-1), state(59), state(61)]
