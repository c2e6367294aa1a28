"""What a schedule is: a pure answer to "when is the first slot after this moment?", and Celery's questions on top of it."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo, available_timezones

from celeriac.config.nearness import nearest
from celeriac.contracts.current import present_client
from celeriac.model.errors import CeleriacError

NowFunction = Callable[[], datetime]
_FOR_EVER = timedelta(days=36525)
_QUESTIONS = ("next_after", "is_due", "remaining_estimate")


class ScheduleError(CeleriacError, ValueError):
    """A schedule that makes no sense; the message says what, where and what to write instead."""


class schedstate(NamedTuple):
    """The answer of ``is_due``: whether to run now, and in how many seconds to ask again."""

    is_due: bool
    next: float


class BaseSchedule:
    """Base of all schedules, those of third parties too.

    Ours answer ``next_after``. A class that overrides ``is_due`` or ``remaining_estimate`` instead, as Celery's custom schedules do, is asked
    by polling (see ``is_polled``). ``nowfun`` returns the time in place of the application's clock; ``app`` says the time zone where the
    schedule names none.
    """

    nowfun: NowFunction | None = None
    _app: Any = None
    _zone: tzinfo | None = None

    def __init__(self, nowfun: NowFunction | None = None, app: Any = None) -> None:
        self.nowfun = nowfun
        self._app = app

    # -- the pure core

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return the first slot strictly after an aware moment, in UTC; None when there is none ever again.

        ``anchor`` is where intervals count from (the moment itself by default). For a polled schedule it is when to ask again.
        """
        state = self.is_due_at(anchor or moment, moment)
        return moment.astimezone(UTC) + timedelta(seconds=max(0.001, state.next))

    def first_asked(self, created: datetime) -> datetime:
        """Return the moment after which the slots of an entry count that was created then and never fired."""
        return created

    def within(self, zone: tzinfo | None) -> Self:
        """Return this schedule with a time zone, unless it names one itself."""
        if zone is None or self._zone is not None:
            return self
        there = object.__new__(type(self))
        there.__dict__.update(self.__dict__)
        there._zone = zone
        return there

    # -- Celery's questions

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether to run now when the last run was then, and in how many seconds to ask again."""
        remaining = self.remaining_estimate(last_run_at).total_seconds()
        if remaining > 0:
            return schedstate(False, remaining)
        return schedstate(True, max(0.0, self.remaining_estimate(self.maybe_make_aware(self.now())).total_seconds()))

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return the time from now until the next run when the last one was then; negative when it is over."""
        name = type(self).__name__
        raise TypeError(f"the schedule class {name} says nowhere when it is due: define next_after, is_due or remaining_estimate")

    def is_due_at(self, last_run_at: datetime, now: datetime) -> schedstate:
        """Ask ``is_due`` as if it were ``now``, unless the schedule has a clock of its own."""
        if self.nowfun is not None:
            return self._state(last_run_at)
        self.nowfun = lambda: now.astimezone(self.tz)
        try:
            return self._state(last_run_at)
        finally:
            self.nowfun = None

    def _state(self, last_run_at: datetime) -> schedstate:
        answer: Any = self.is_due(last_run_at.astimezone(self.tz))
        try:
            due, seconds = answer
        except TypeError:
            raise TypeError(f"is_due of {self!r} returned {answer!r}; it has to return (is_due, seconds until it is asked again)") from None
        return schedstate(bool(due), float(seconds) if isinstance(seconds, numbers.Real) else 60.0)

    # -- the time here

    @property
    def app(self) -> Any:
        """The application whose clock and time zone count: the given one, or else the current one."""
        return self._app if self._app is not None else present_client()

    @app.setter
    def app(self, app: Any) -> None:
        self._app = app

    @property
    def tz(self) -> tzinfo:
        """The time zone: of the schedule itself, of its entry, of the application, or else UTC."""
        if self._zone is not None:
            return self._zone
        app = self.app
        zone: tzinfo = app.timezone if app is not None else UTC
        return zone

    @tz.setter
    def tz(self, zone: tzinfo | str | None) -> None:
        self._zone = zone_named(zone)

    @property
    def utc_enabled(self) -> bool:
        """Whether the application keeps UTC (setting ``enable_utc``)."""
        return self.app is None or bool(self.app.conf.enable_utc)

    def now(self) -> datetime:
        """Return the time: by ``nowfun``, or else the application's."""
        if self.nowfun is not None:
            return self.nowfun()
        now: datetime = self.app.now() if self.app is not None else datetime.now(self.tz)
        return now

    def to_local(self, dt: datetime) -> datetime:
        """Return a moment in the schedule's time zone; a naive one is taken as UTC."""
        return self.maybe_make_aware(dt).astimezone(self.tz)

    def maybe_make_aware(self, dt: datetime, naive_as_utc: bool = True) -> datetime:
        """Return an aware moment; a naive one is taken as UTC, or as local time."""
        if dt.tzinfo is not None:
            return dt
        return dt.replace(tzinfo=UTC if naive_as_utc else self.tz)

    # -- as a value

    def _identity(self) -> tuple[Any, ...]:
        return tuple(sorted((key, value) for key, value in self.__dict__.items() if key not in {"_app", "nowfun"}))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, BaseSchedule) and self._identity() == other._identity()

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_app"}


class SlotSchedule(BaseSchedule, ABC):
    """Base of the schedules whose slots can be computed: they answer Celery's questions from ``next_after``."""

    @abstractmethod
    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return the first slot strictly after an aware moment, in UTC; None when there is none ever again."""

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return the time from now until the next slot after the last run; negative when it is over."""
        last = self.maybe_make_aware(last_run_at)
        slot = self.next_after(last, anchor=last)
        return _FOR_EVER if slot is None else slot - self.maybe_make_aware(self.now())

    def next_runs(self, n: int = 5, after: datetime | None = None) -> list[datetime]:
        """Return the next slots after a moment (now by default), in the schedule's time zone."""
        moment = anchor = self.maybe_make_aware(after if after is not None else self.now())
        slots: list[datetime] = []
        while len(slots) < n:
            slot = self.next_after(moment, anchor=anchor)
            if slot is None:
                break
            slots.append(slot.astimezone(self.tz))
            moment = slot
        return slots

    def describe(self) -> str:
        """Return the schedule in words."""
        return repr(self)


def is_polled(schedule: BaseSchedule) -> bool:
    """Say whether a schedule has to be asked ``is_due`` again and again, because its class overrides that and no ``next_after``."""
    for kind in type(schedule).__mro__:
        if any(question in vars(kind) for question in _QUESTIONS):
            return "next_after" not in vars(kind) or kind is BaseSchedule
    return True


def zone_named(zone: tzinfo | str | None) -> tzinfo | None:
    """Return a time zone by its IANA name; time zones and None as they are, those of pytz as their like in zoneinfo."""
    if isinstance(zone, tzinfo) and isinstance(name := getattr(zone, "zone", None), str):
        return zone_named(name)
    if zone is None or isinstance(zone, tzinfo):
        return zone
    try:
        return UTC if zone == "UTC" else ZoneInfo(zone)
    except (LookupError, ValueError, OSError, TypeError):
        meant = nearest(str(zone), available_timezones())
        remedy = f"did you mean {meant!r}?" if meant else "write a name of the IANA data base, such as 'Europe/Berlin'"
        raise ScheduleError(f"timezone={zone!r} is no time zone known here: {remedy}") from None
