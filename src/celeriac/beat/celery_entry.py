"""Celery's ``ScheduleEntry``: what schedulers of others keep their entries in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from celeriac.contracts.current import current_client
from celeriac.schedules.contract import schedstate
from celeriac.schedules.making import maybe_schedule

EDITABLE = ("task", "schedule", "args", "kwargs", "options")
"""What an author says of an entry; the rest is counted."""


class ScheduleEntry:
    """One entry: a task, when it is sent, and when it was last. ``relative`` rounds intervals to their unit."""

    name: str | None = None
    schedule: Any = None
    args: Any = None
    kwargs: Any = None
    options: Any = None
    last_run_at: datetime | None = None
    total_run_count = 0

    def __init__(
        self,
        name: str | None = None,
        task: str | None = None,
        last_run_at: datetime | None = None,
        total_run_count: int | None = None,
        schedule: Any = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        relative: bool = False,
        app: Any = None,
    ) -> None:
        self.app = app
        self.name = name
        self.task = task
        self.args = args
        self.kwargs = kwargs or {}
        self.options = options or {}
        self.schedule = maybe_schedule(schedule, relative, app=app) if schedule is not None else None
        self.last_run_at = last_run_at or self.default_now()
        self.total_run_count = total_run_count or 0

    def default_now(self) -> datetime:
        """Return the time, by the schedule's clock if there is one."""
        source = self.schedule if self.schedule is not None else self.app or current_client()
        now: datetime = source.now()
        return now

    _default_now = default_now

    def is_due(self) -> schedstate:
        """Return whether to send it now, and in how many seconds to ask again."""
        answer: schedstate = self.schedule.is_due(self.last_run_at)
        return answer

    def next(self, last_run_at: datetime | None = None) -> "ScheduleEntry":
        """Return the entry as it is after having been sent at a time, by default now."""
        return self._next_instance(last_run_at)

    def _next_instance(self, last_run_at: datetime | None = None) -> "ScheduleEntry":
        fields = {**dict(self), "last_run_at": last_run_at or self.default_now(), "total_run_count": self.total_run_count + 1}
        return type(self)(**fields)

    def __next__(self) -> "ScheduleEntry":
        return self.next()

    def update(self, other: "ScheduleEntry") -> None:
        """Take over what another entry's author says, and keep what was counted."""
        for field in EDITABLE:
            setattr(self, field, getattr(other, field))

    def editable_fields_equal(self, other: "ScheduleEntry") -> bool:
        """Tell whether the authors of two entries say the same."""
        return all(getattr(self, field) == getattr(other, field) for field in EDITABLE)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(vars(self).items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScheduleEntry) and self.editable_fields_equal(other)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: object) -> bool:
        # Entries of the same moment stand side by side in a heap, which must be able to put them in some order.
        return id(self) < id(other) if isinstance(other, ScheduleEntry) else NotImplemented

    def __reduce__(self) -> Any:
        fields = (self.name, self.task, self.last_run_at, self.total_run_count, self.schedule, self.args, self.kwargs, self.options)
        return type(self), fields

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name} {self.task}(*{self.args!r}, **{self.kwargs!r}) {self.schedule!r}>"
