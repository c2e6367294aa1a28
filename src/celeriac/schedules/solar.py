"""By the sun: dawn, sunrise, noon, sunset, dusk at a place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from celeriac.lib.importing import symbol_by_name
from celeriac.model.errors import MissingExtra
from celeriac.schedules.contract import NowFunction, ScheduleError, SlotSchedule


class _Event(NamedTuple):
    words: str
    method: str
    horizon: str = "0"
    center: bool = False


_EVENTS = {
    "dawn_astronomical": _Event("at astronomical dawn", "next_rising", "-18", True),
    "dawn_nautical": _Event("at nautical dawn", "next_rising", "-12", True),
    "dawn_civil": _Event("at civil dawn", "next_rising", "-6", True),
    "sunrise": _Event("at sunrise", "next_rising", "-0:34"),
    "solar_noon": _Event("at solar noon", "next_transit"),
    "sunset": _Event("at sunset", "next_setting", "-0:34"),
    "dusk_civil": _Event("at civil dusk", "next_setting", "-6", True),
    "dusk_nautical": _Event("at nautical dusk", "next_setting", "-12", True),
    "dusk_astronomical": _Event("at astronomical dusk", "next_setting", "-18", True),
}
EVENTS = tuple(_EVENTS)
"""Their names."""
_SAME_EVENT = timedelta(seconds=5)
"""The library finds an event to the second only: what is nearer to a slot than this is the same event, found again."""


class solar(SlotSchedule):
    """At an event of the sun (``sunrise``, ``dusk_civil`` ...) at a latitude (north is positive) and longitude (east is positive), in degrees.

    Where the sun does not rise or set, the next time is when it does so again. Needs the extra ``solar``; MissingExtra says so when it is asked.
    """

    def __init__(self, event: str, lat: float, lon: float, nowfun: NowFunction | None = None, app: Any = None) -> None:
        super().__init__(nowfun=nowfun, app=app)
        if event not in _EVENTS:
            raise ScheduleError(f"solar(event={event!r}) is no event of the sun: write one of {', '.join(_EVENTS)}")
        degrees: Any
        for name, degrees, most in (("lat", lat, 90), ("lon", lon, 180)):
            if isinstance(degrees, str) or not -most <= degrees <= most:
                raise ScheduleError(f"solar({name}={degrees!r}) is no place: {name} goes from {-most} to {most} degrees")
        self.event, self.lat, self.lon = event, lat, lon

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return when the event comes next, in UTC, to the second; None when it does not for a year.

        An event within five seconds of the moment counts as the one that was just had.
        """
        found = self._event_after(moment.astimezone(UTC).replace(tzinfo=None) + _SAME_EVENT)
        return None if found is None else found.replace(microsecond=0, tzinfo=UTC)

    def _event_after(self, moment: datetime) -> datetime | None:
        event = _EVENTS[self.event]
        try:
            next_sun = symbol_by_name("celeriac.schedules.ephemeris:next_sun")
        except ImportError:
            raise MissingExtra('Schedules by the sun need the library ephem: pip install "celeriac[solar]"') from None
        found: datetime | None = next_sun(moment, method=event.method, horizon=event.horizon, center=event.center, lat=self.lat, lon=self.lon)
        return found

    def describe(self) -> str:
        """Return the schedule in words."""
        return f"{_EVENTS[self.event].words} at latitude {self.lat}, longitude {self.lon}"

    def __repr__(self) -> str:
        return f"<solar: {self.event} at latitude {self.lat}, longitude: {self.lon}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, solar) and (self.event, self.lat, self.lon) == (other.event, other.lat, other.lon)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), (self.event, self.lat, self.lon)
