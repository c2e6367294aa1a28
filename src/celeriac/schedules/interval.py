"""Every so many seconds."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from celeriac.schedules.contract import NowFunction, ScheduleError, SlotSchedule
from celeriac.schedules.zones import moment_of

_DAY = timedelta(days=1)
_UNITS = ((_DAY, "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"), (timedelta(seconds=1), "second"))
_FLOORS: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda wall: wall.replace(hour=0, minute=0, second=0, microsecond=0),
    "hour": lambda wall: wall.replace(minute=0, second=0, microsecond=0),
    "minute": lambda wall: wall.replace(second=0, microsecond=0),
    "second": lambda wall: wall.replace(microsecond=0),
}


class schedule(SlotSchedule):
    """Every ``run_every`` (seconds or a timedelta), counted from the first run on, so that it does not drift.

    With ``relative`` it goes by the clock: the beginning is rounded down to a whole day, hour, minute or second, whichever is the largest that
    fits in the interval; whole days then begin at midnight in the schedule's time zone, whatever the clocks do.
    """

    def __init__(
        self, run_every: float | timedelta | None = None, relative: bool = False, nowfun: NowFunction | None = None, app: Any = None
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        self.run_every = interval_of(run_every)
        self.relative = relative

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return the first of anchor, anchor + interval, anchor + 2 intervals ... that is after the moment."""
        moment = moment.astimezone(UTC)
        start = anchor.astimezone(UTC) if anchor is not None else moment
        if self.relative:
            if self.run_every % _DAY == timedelta():
                return self._midnight_after(moment, start)
            start = self._rounded(start)
        return start + max((moment - start) // self.run_every + 1, 0 if start > moment else 1) * self.run_every

    def _rounded(self, start: datetime) -> datetime:
        local = start.astimezone(self.tz)
        unit = next((name for length, name in _UNITS if self.run_every >= length), None)
        if unit is None:
            return start
        # Rounded in real time: the distance from the unit's beginning on the wall, which no change of offset lengthens.
        return start - (local.replace(tzinfo=None) - _FLOORS[unit](local.replace(tzinfo=None)))

    def _midnight_after(self, moment: datetime, start: datetime) -> datetime:
        zone, day = self.tz, _FLOORS["day"](start.astimezone(self.tz).replace(tzinfo=None))
        count = max(0, (moment.astimezone(zone).replace(tzinfo=None) - day) // self.run_every)
        while True:
            slot = moment_of(day + count * self.run_every, zone).replace(tzinfo=UTC)
            if slot > moment:
                return slot
            count += 1

    @property
    def seconds(self) -> float:
        """The interval in seconds."""
        return self.run_every.total_seconds()

    @property
    def human_seconds(self) -> str:
        """The interval in its largest unit, such as ``1.50 minutes``."""
        for length, name in _UNITS:
            if self.run_every >= length:
                count = f"{self.run_every / length:.2f}"
                return f"{count} {name}" if count == "1.00" else f"{count} {name}s"
        return f"{self.seconds:g} seconds"

    def describe(self) -> str:
        """Return the schedule in words."""
        for length, name in _UNITS:
            count, rest = divmod(self.run_every, length)
            if count and not rest:
                words = f"every {name}" if count == 1 else f"every {count} {name}s"
                return f"{words}, by the clock" if self.relative else words
        return f"every {self.seconds:g} seconds"

    def __repr__(self) -> str:
        return f"<freq: {self.human_seconds}>"

    def __eq__(self, other: object) -> bool:
        return self.run_every == other.run_every and self.relative == other.relative if isinstance(other, schedule) else self.run_every == other

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), (self.run_every, self.relative, self.nowfun)


def interval_of(value: object) -> timedelta:
    """Return an interval from seconds or a timedelta; ScheduleError when it is none, or not longer than nothing."""
    if not isinstance(value, timedelta):
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ScheduleError(f"schedule(run_every={value!r}) is no interval: give seconds, or a timedelta")
        try:
            value = timedelta(seconds=float(value))
        except (OverflowError, ValueError):
            raise ScheduleError(f"schedule(run_every={value!r}) is no interval: give a finite number of seconds") from None
    if value <= timedelta():
        raise ScheduleError(f"schedule(run_every={value.total_seconds():g}) would run without end: give a number of seconds above 0")
    return value
