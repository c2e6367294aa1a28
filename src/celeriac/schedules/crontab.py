"""By the wall clock, as cron does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, Self

from celeriac.schedules.contract import NowFunction, SlotSchedule, schedstate, zone_named
from celeriac.schedules.cron_calendar import CronTable, Fields, slot_after, table_of, why_never
from celeriac.schedules.cron_grammar import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    MINUTE,
    MONTH_OF_YEAR,
    Cronspec,
    FieldKind,
    ParseException,
    read_field,
    read_text,
    split_cron,
)
from celeriac.schedules.cron_words import describe

_KINDS = (MINUTE, HOUR, DAY_OF_WEEK, DAY_OF_MONTH, MONTH_OF_YEAR)


class crontab(SlotSchedule):
    """At the minutes whose wall time matches all five fields.

    A field is a number, text (``"*/15"``, ``"8-17,22"``, ``"mon-fri"``) or a list or set of them. Days may be ``"L"`` (the last of the month),
    ``"L-3"``, ``"15W"`` (the working day nearest to the 15th), ``"friL"`` (the last Friday), ``"mon#2"`` (the second Monday). Both day
    fields have to match. ``timezone`` is an IANA name; without one the entry's or the application's counts. What is wrong is
    refused: ParseException (a ValueError), or TypeError.
    """

    def __init__(
        self,
        minute: Cronspec = "*",
        hour: Cronspec = "*",
        day_of_week: Cronspec = "*",
        day_of_month: Cronspec = "*",
        month_of_year: Cronspec = "*",
        *,
        timezone: tzinfo | str | None = None,
        nowfun: NowFunction | None = None,
        app: Any = None,
    ) -> None:
        super().__init__(nowfun=nowfun, app=app)
        specs = (minute, hour, day_of_week, day_of_month, month_of_year)
        self._set(specs, Fields(*(read_field(kind, spec) for kind, spec in zip(_KINDS, specs))))
        self._zone = zone_named(timezone)

    @classmethod
    def from_string(cls, crontab: str, *, timezone: tzinfo | str | None = None, nowfun: NowFunction | None = None, app: Any = None) -> Self:
        """Return the crontab of a cron line (minute, hour, day of month, month, day of week) or nickname (``@daily``)."""
        sources = {source.kind.name: source for source in split_cron(crontab)}
        ordered = [sources[kind.name] for kind in _KINDS]
        texts = [source.whole[source.offset :].split(maxsplit=1)[0] for source in ordered]
        fields = Fields(*(read_text(source, text) for source, text in zip(ordered, texts)))
        made = cls(*texts, nowfun=nowfun, app=app)
        made._set(texts, fields)
        made._zone = zone_named(timezone)
        return made

    def _set(self, specs: Any, fields: Fields) -> None:
        self._orig_minute, self._orig_hour, self._orig_day_of_week, self._orig_day_of_month, self._orig_month_of_year = map(_kept, specs)
        never = why_never(fields) if fields.day_of_month.values != DAY_OF_MONTH.everything or fields.day_of_week.rules else None
        if never is not None:
            shown = {kind.name: repr(spec) for kind, spec in zip(_KINDS, specs)}
            raise ParseException(f"{self!r} would never run: {never.format(**shown)}")
        self._table = table_of(fields)

    # -- the fields, as sets of numbers (rules such as "L" are in none)

    @property
    def minute(self) -> set[int]:
        """The minutes, 0 to 59."""
        return set(self.table.fields.minute.values)

    @property
    def hour(self) -> set[int]:
        """The hours, 0 to 23."""
        return set(self.table.fields.hour.values)

    @property
    def day_of_week(self) -> set[int]:
        """The days of the week, 0 (Sunday) to 6."""
        return set(self.table.fields.day_of_week.values)

    @property
    def day_of_month(self) -> set[int]:
        """The days of the month, 1 to 31."""
        return set(self.table.fields.day_of_month.values)

    @property
    def month_of_year(self) -> set[int]:
        """The months, 1 to 12."""
        return set(self.table.fields.month_of_year.values)

    @property
    def table(self) -> CronTable:
        """What the fields come to."""
        found: CronTable | None = self.__dict__.get("_table")
        if found is None:
            specs = (self._orig_minute, self._orig_hour, self._orig_day_of_week, self._orig_day_of_month, self._orig_month_of_year)
            found = self._table = table_of(Fields(*(read_field(kind, spec) for kind, spec in zip(_KINDS, specs))))
        return found

    # -- when

    def next_after(self, moment: datetime, *, anchor: datetime | None = None) -> datetime | None:
        """Return the first slot after an aware moment, in UTC; None when there is none for half a century."""
        slot = slot_after(self.table, moment.astimezone(UTC).replace(tzinfo=None), self.tz)
        return None if slot is None else slot.replace(tzinfo=UTC)

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether a slot after the last run is reached, and in how many seconds to ask again.

        A slot that is over for longer than the setting ``beat_cron_starting_deadline`` is not run any more.
        """
        state = super().is_due(last_run_at)
        deadline = getattr(getattr(self.app, "conf", None), "beat_cron_starting_deadline", None)
        if not state.is_due or deadline is None:
            return state
        now = self.maybe_make_aware(self.now())
        recent = self.next_after(max(self.maybe_make_aware(last_run_at), now - timedelta(seconds=deadline)))
        return schedstate(recent is not None and recent <= now, state.next)

    def describe(self) -> str:
        """Return the crontab in words."""
        words = describe(self.table.fields)
        return words if self._zone is None else f"{words} ({self._zone})"

    # -- as a value

    def __repr__(self) -> str:
        specs = (self._orig_minute, self._orig_hour, self._orig_day_of_month, self._orig_month_of_year, self._orig_day_of_week)
        return f"<crontab: {' '.join(map(str, specs))} (m/h/dM/MY/d)>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, crontab) and self.table.fields == other.table.fields and str(self._zone) == str(other._zone)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key != "_table"}

    def __reduce__(self) -> Any:
        specs = (self._orig_minute, self._orig_hour, self._orig_day_of_week, self._orig_day_of_month, self._orig_month_of_year)
        return type(self), specs, {key: value for key, value in (("_zone", self._zone), ("nowfun", self.nowfun)) if value is not None}


def _kept(spec: Any) -> Any:
    """Return a field as it was written; an iterator, which cannot be read twice, as a list."""
    return spec if isinstance(spec, (int, str, list, tuple, set, frozenset)) else list(spec)


class crontab_parser:
    """Reads one field whose values go from ``min_`` on, ``max_`` of them: ``crontab_parser(60).parse("*/15") == {0, 15, 30, 45}``."""

    ParseException: ClassVar[type[ParseException]] = ParseException

    def __init__(self, max_: int = 60, min_: int = 0) -> None:
        known: Mapping[tuple[int, int], FieldKind] = {(kind.high - kind.low + 1, kind.low): kind for kind in _KINDS}
        self._kind = known.get((max_, min_)) or FieldKind("field", min_, min_ + max_ - 1)

    def parse(self, spec: str) -> set[int]:
        """Return the values of a field's text; ParseException when it cannot be read, or has rules such as ``L``."""
        field = read_field(self._kind, spec)
        if field.rules:
            raise ParseException(f"{spec!r} has no fixed values: it depends on the month")
        return set(field.values)
