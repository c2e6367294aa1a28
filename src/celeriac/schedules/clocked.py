"""Once, at a given time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celeriac.schedules.contract import NowFunction, ScheduleError, SlotSchedule
from celeriac.schedules.zones import moment_of


class clocked(SlotSchedule):
    """Once at ``clocked_time``; a naive one is in the schedule's time zone.

    An entry that was made after its time runs at once, as far as its misfire policy and ``max_lateness`` allow.
    """

    def __init__(self, clocked_time: datetime, nowfun: NowFunction | None = None, app: Any = None) -> None:
        if not isinstance(clocked_time, datetime):
            raise ScheduleError(f"clocked({clocked_time!r}) is no time: give a datetime")
        super().__init__(nowfun=nowfun, app=app)
        self.clocked_time = clocked_time

    @property
    def slot(self) -> datetime:
        """The time as an aware one, in UTC."""
        if self.clocked_time.tzinfo is None:
            return moment_of(self.clocked_time, self.tz).replace(tzinfo=UTC)
        return self.clocked_time.astimezone(UTC)

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return the time while it is ahead."""
        slot = self.slot
        return slot if slot > moment else None

    def first_asked(self, created: datetime) -> datetime:
        """Return a moment before the time, so that one that is over counts as missed and not as none."""
        return min(created, self.slot - timedelta(microseconds=1))

    def describe(self) -> str:
        """Return the schedule in words."""
        return f"once, at {self.clocked_time:%Y-%m-%d %H:%M:%S} ({self.clocked_time.tzinfo or self.tz})"

    def __repr__(self) -> str:
        return f"<clocked: {self.clocked_time.isoformat()}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, clocked) and self.clocked_time == other.clocked_time

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), (self.clocked_time, self.nowfun)
