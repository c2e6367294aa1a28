"""Schedules by the sun."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from celeriac.exceptions import MissingExtra
from celeriac.schedules import ScheduleError, solar

MIDSUMMER = datetime(2026, 6, 20, 12, tzinfo=UTC)


@pytest.fixture
def ephem() -> Any:
    return pytest.importorskip("ephem")


@pytest.mark.parametrize(
    ("event", "lat", "lon", "expected"),
    [
        ("dawn_astronomical", 52.5, 13.4, None),
        ("dawn_civil", 52.5, 13.4, datetime(2026, 6, 21, 1, 53)),
        ("sunrise", 52.5, 13.4, datetime(2026, 6, 21, 2, 43)),
        ("solar_noon", 52.5, 13.4, datetime(2026, 6, 21, 11, 8)),
        ("sunset", 52.5, 13.4, datetime(2026, 6, 20, 19, 33)),
        ("sunrise", -37.8, 144.9, datetime(2026, 6, 20, 21, 35)),
    ],
)
def test_events_are_found_to_the_minute(ephem: Any, event: str, lat: float, lon: float, expected: datetime | None) -> None:
    slot = solar(event, lat, lon).next_after(MIDSUMMER)

    assert slot is not None
    if expected is None:
        assert slot > MIDSUMMER + timedelta(days=10), "in Berlin it does not get wholly dark around midsummer"
    else:
        assert abs(slot - expected.replace(tzinfo=UTC)) < timedelta(minutes=3)


def test_each_event_comes_once_a_day(ephem: Any) -> None:
    runs = solar("sunset", 52.5, 13.4).next_runs(40, MIDSUMMER)

    assert all(timedelta(hours=23) < later - earlier < timedelta(hours=25) for earlier, later in pairwise(runs))


def test_after_the_polar_day_the_sun_sets_again(ephem: Any) -> None:
    slot = solar("sunset", 69.65, 18.96).next_after(MIDSUMMER)

    assert slot is not None
    assert datetime(2026, 7, 20, tzinfo=UTC) < slot < datetime(2026, 8, 1, tzinfo=UTC)


def test_where_it_never_sets_in_the_sense_of_days_the_search_ends(ephem: Any) -> None:
    assert None is solar("sunset", 90, 0).next_after(MIDSUMMER)


def test_without_the_library_one_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ephem", None)
    monkeypatch.delitem(sys.modules, "celeriac.schedules.ephemeris", raising=False)

    with pytest.raises(MissingExtra, match=r"pip install \"celeriac\[solar\]\""):
        solar("sunset", 1, 1).next_after(MIDSUMMER)


@pytest.mark.parametrize(
    ("event", "lat", "lon", "said"), [("noon", 1, 1, "solar_noon"), ("sunset", 91, 1, "lat goes"), ("sunset", 1, "x", "lon goes")]
)
def test_what_is_no_event_or_place_is_refused(event: str, lat: Any, lon: Any, said: str) -> None:
    with pytest.raises(ScheduleError, match=said):
        solar(event, lat, lon)


def test_it_says_what_it_is() -> None:
    assert "at civil dusk at latitude 52.5, longitude 13.4" == solar("dusk_civil", 52.5, 13.4).describe()
    assert "<solar: sunset at latitude 1, longitude: 2>" == repr(solar("sunset", 1, 2))
