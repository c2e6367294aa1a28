"""The grammar of crontabs, and what they say of themselves."""

from __future__ import annotations

import pickle
import timeit
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.schedules import ParseException, ScheduleError, crontab, crontab_parser
from celeriac.schedules.cron_grammar import DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH_OF_YEAR, FieldKind


@pytest.mark.parametrize(
    ("fields", "field", "values"),
    [
        ({"minute": "*/15"}, "minute", {0, 15, 30, 45}),
        ({"minute": 7}, "minute", {7}),
        ({"minute": " 1, 05 "}, "minute", {1, 5}),
        ({"minute": "50-10"}, "minute", {*range(50, 60), *range(11)}),
        ({"minute": "1-5,*/20"}, "minute", {0, 1, 2, 3, 4, 5, 20, 40}),
        ({"minute": "*/70"}, "minute", {0}),
        ({"minute": {1, 2}}, "minute", {1, 2}),
        ({"minute": ["*/30", 5]}, "minute", {0, 5, 30}),
        ({"minute": (number for number in (3, 4))}, "minute", {3, 4}),
        ({"hour": "*/3,8-17"}, "hour", {0, 3, 6, *range(8, 18), 18, 21}),
        ({"hour": "22-2"}, "hour", {22, 23, 0, 1, 2}),
        ({"hour": "22-2/2"}, "hour", {22, 0, 2}),
        ({"day_of_week": "monday"}, "day_of_week", {1}),
        ({"day_of_week": "Mon,TUE"}, "day_of_week", {1, 2}),
        ({"day_of_week": "fri-mon"}, "day_of_week", {5, 6, 0, 1}),
        ({"day_of_week": "fri-mon/2"}, "day_of_week", {5, 0}),
        ({"day_of_week": "7"}, "day_of_week", {0}),
        ({"day_of_week": 7}, "day_of_week", {0}),
        ({"day_of_week": "5-7"}, "day_of_week", {5, 6, 0}),
        ({"day_of_week": "7-2"}, "day_of_week", {0, 1, 2}),
        ({"day_of_week": "0-7"}, "day_of_week", set(range(7))),
        ({"day_of_month": "*/7"}, "day_of_month", {1, 8, 15, 22, 29}),
        ({"day_of_month": "2-31/5"}, "day_of_month", {2, 7, 12, 17, 22, 27}),
        ({"month_of_year": "nov-feb"}, "month_of_year", {11, 12, 1, 2}),
        ({"month_of_year": "*/5"}, "month_of_year", {1, 6, 11}),
        ({"month_of_year": "january"}, "month_of_year", {1}),
    ],
)
def test_fields_are_read_as_celery_documents_them(fields: dict[str, Any], field: str, values: set[int]) -> None:
    assert values == getattr(crontab(**fields), field)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"minute": "5/15"}, "position 1, '5/15': a step needs a range to step through; write '5-59/15'"),
        ({"minute": "*/0"}, "position 3, '0': a step has to be 1 or more"),
        ({"minute": "*/"}, "position 2, '/': a step has to be a number"),
        ({"minute": "0,61"}, "position 3, '61': minute goes from 0 to 59"),
        ({"minute": "1,,2"}, "position 3, ',': there is nothing between commas"),
        ({"minute": ""}, "it is empty; write '*'"),
        ({"minute": "1 - 5"}, "position 1"),
        ({"minute": -1}, "minute goes from 0 to 59"),
        ({"minute": []}, "would never run"),
        ({"hour": "8-five"}, "position 3, 'five': not a value of hour; write a number from 0 to 23"),
        ({"hour": "L"}, "'L' belongs into day_of_month or day_of_week, not into hour"),
        ({"day_of_week": "mno"}, "a name such as 'mon'"),
        ({"day_of_week": "mon#6"}, "position 5, '6': after '#' goes which one of the month"),
        ({"day_of_week": "L"}, "write 'friL'"),
        ({"day_of_week": "3W"}, "'W' belongs into day_of_month"),
        ({"day_of_month": "5L"}, "this form is for day_of_week"),
        ({"day_of_month": "?"}, "write '*'"),
        ({"day_of_month": 31, "month_of_year": 2}, "day_of_month 31 never occurs in month_of_year 2"),
        ({"day_of_month": "31", "month_of_year": "2,4"}, "day_of_month '31' never occurs in month_of_year '2,4'"),
        ({"day_of_month": "8", "day_of_week": "mon#1"}, "day_of_month '8' is never day_of_week 'mon#1'"),
        ({"day_of_month": "L-30", "month_of_year": "feb"}, "never occurs"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_what_to_write(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ParseException) as caught:
        crontab(**fields)

    assert said in str(caught.value)


@pytest.mark.parametrize("spec", [1.5, None, True, b"1", {1: 2}])
def test_what_is_no_field_at_all_is_a_type_error(spec: Any) -> None:
    with pytest.raises(TypeError, match="give an int, text such as"):
        crontab(minute=spec)


def test_the_order_of_arguments_is_celerys_and_that_of_text_is_crons() -> None:
    assert crontab(0, 4, "mon", 1, 2) == crontab.from_string("0 4 1 2 mon")


@pytest.mark.parametrize(
    ("line", "same"),
    [("@hourly", crontab(0)), ("@daily", crontab(0, 0)), ("@midnight", crontab(0, 0)), ("@weekly", crontab(0, 0, 0)),
     ("@monthly", crontab(0, 0, day_of_month=1)), ("@Yearly", crontab(0, 0, day_of_month=1, month_of_year=1))],
)  # fmt: skip
def test_nicknames_are_known(line: str, same: crontab) -> None:
    assert same == crontab.from_string(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 4 * *", "has 4 fields instead of 5"),
        ("0 0 4 * * *", "seconds and years are not part of it"),
        ("", "has 0 fields"),
        ("@dayly", "there are @yearly"),
        ("@reboot", "worker_ready"),
        ("0 4 * * mno", "position 9 (day_of_week), 'mno'"),
        ("0 25 * * *", "position 3 (hour), '25': hour goes from 0 to 23"),
    ],
)
def test_a_cron_line_is_refused_with_the_position_in_the_line(line: str, said: str) -> None:
    with pytest.raises(ParseException) as caught:
        crontab.from_string(line)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("0 4 L * *", ["01-31", "02-28", "03-31"]),
        ("0 4 L-3 * *", ["01-28", "02-25", "03-28"]),
        ("0 4 LW * *", ["01-29", "02-26", "03-31"]),
        ("0 4 1W * *", ["01-01", "02-01", "03-01"]),
        ("0 4 31W * *", ["01-29", "03-31", "05-31"]),
        ("0 4 15,L * *", ["01-15", "01-31", "02-15"]),
        ("0 4 * * friL", ["01-29", "02-26", "03-26"]),
        ("0 4 * * 5L", ["01-29", "02-26", "03-26"]),
        ("0 4 * * mon#2", ["01-11", "02-08", "03-08"]),
        ("0 4 * * mon#5", ["03-29", "05-31", "08-30"]),
        ("0 4 13 * fri", ["08-13"]),
        ("0 4 29 2 *", []),
    ],
)
def test_days_are_found_in_2027(line: str, days: list[str]) -> None:
    runs = crontab.from_string(line).next_runs(max(1, len(days)), datetime(2027, 1, 1, tzinfo=UTC))

    assert days == [f"{run:%m-%d}" for run in runs if run.year == 2027]


def test_the_days_of_week_and_month_have_to_match_both() -> None:
    assert datetime(2096, 2, 29, tzinfo=UTC) == crontab(0, 0, day_of_month=29, month_of_year=2, day_of_week="wed").next_after(
        datetime(2072, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("@hourly", "at minute 0 of every hour"),
        ("0 4,16 * * *", "at 04:00 and 16:00"),
        ("*/5 8-17 * * 1-5", "every 5 minutes, from 08:00 to 17:59, on Monday to Friday"),
        ("0 */2 * * *", "at minute 0, in every second hour from 00:00 on"),
        ("0 0 8 * mon#2", "at 00:00, on day 8 of the month if that is the second Monday of the month"),
        ("0 4 L * *", "at 04:00, on the last day of the month"),
        ("0 4 15W jan-mar,nov *", "at 04:00, on the working day nearest to day 15, in January to March and November"),
        ("30 1 * * sat,sun", "at 01:30, on Saturday and Sunday"),
    ],
)
def test_a_crontab_explains_itself(line: str, words: str) -> None:
    assert words == crontab.from_string(line).describe()
    assert f"{words} (Europe/Berlin)" == crontab.from_string(line, timezone="Europe/Berlin").describe()


def test_next_runs_are_in_the_crontabs_time_zone() -> None:
    runs = crontab(0, 4, timezone="Europe/Berlin").next_runs(2, datetime(2026, 3, 28, tzinfo=UTC))

    assert ["2026-03-28T04:00:00+01:00", "2026-03-29T04:00:00+02:00"] == [run.isoformat() for run in runs]


def test_an_unknown_time_zone_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ScheduleError, match="did you mean 'Europe/Berlin'"):
        crontab(timezone="Europe/Belin")


def test_crontabs_are_values() -> None:
    schedule = crontab(0, {4, 5}, timezone="Europe/Berlin")

    assert schedule == pickle.loads(pickle.dumps(schedule))
    assert crontab("*/60") == crontab(0)
    assert crontab(0) != crontab(1)
    assert schedule != crontab(0, {4, 5})
    assert "<crontab: */5 [3, 4] * * mon-fri (m/h/dM/MY/d)>" == repr(crontab(minute="*/5", hour=[3, 4], day_of_week="mon-fri"))


def test_the_parser_of_single_fields_is_there() -> None:
    assert {0, 15, 30, 45} == crontab_parser(60).parse("*/15")
    assert {1} == crontab_parser(7).parse("mon")
    assert {12, 1, 2} == crontab_parser(12, 1).parse("dec-feb")


def _texts(kind: FieldKind) -> st.SearchStrategy[str]:
    number = st.integers(kind.low, kind.high).map(str)
    span = st.tuples(number, number).map("-".join)
    stepped = st.tuples(st.just("*") | span, st.integers(1, 40).map(str)).map("/".join)
    return st.lists(st.just("*") | number | span | stepped, min_size=1, max_size=3).map(",".join)


FIELDS = {"minute": _texts(MINUTE), "hour": _texts(HOUR), "day_of_week": _texts(DAY_OF_WEEK), "day_of_month": _texts(DAY_OF_MONTH), "month_of_year": _texts(MONTH_OF_YEAR)}  # fmt: skip  # noqa: E501
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))


@given(st.fixed_dictionaries({}, optional=FIELDS), MOMENTS, st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]))
def test_the_next_slot_is_later_and_none_is_passed_over(fields: dict[str, str], moment: datetime, zone: str) -> None:
    try:
        schedule = crontab(**fields, timezone=zone)
    except ParseException:
        return

    slot = schedule.next_after(moment)

    assert slot is not None
    assert slot > moment
    for between in (moment + (slot - moment) / 3, slot - timedelta(microseconds=1)):
        assert slot == schedule.next_after(max(moment, between))
    assert schedule.describe()


@given(st.text(alphabet="0123456789*/-,#LW?monjan ", max_size=12))
def test_whatever_is_written_is_read_or_refused_in_one_way(text: str) -> None:
    for field in FIELDS:
        try:
            crontab(**{field: text})
        except ParseException:
            continue


@pytest.mark.parametrize("fields", [{}, {"minute": 0, "hour": 4}, {"minute": 0, "hour": 0, "day_of_month": 29, "month_of_year": 2}])
def test_finding_a_slot_takes_microseconds(fields: dict[str, Any]) -> None:
    schedule, moment = crontab(**fields, timezone="Europe/Berlin"), datetime(2025, 3, 1, 12, 30, 15, tzinfo=UTC)
    schedule.next_after(moment)

    best = min(timeit.repeat(lambda: schedule.next_after(moment), number=200, repeat=5)) / 200

    assert best < 200e-6
