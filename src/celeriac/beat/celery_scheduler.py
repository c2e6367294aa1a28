"""Celery's ``Scheduler``: the base class of schedulers that others have written. It keeps entries in memory and sends what is due."""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

from celeriac.beat.celery_entry import ScheduleEntry
from celeriac.beat.sending import PERIODIC_HEADER, evaluated

logger = logging.getLogger("celeriac.beat")

DEFAULT_MAX_INTERVAL = 300
"""Seconds that a scheduler sleeps at most."""


class SchedulingError(Exception):
    """A task could not be sent."""


class event_t(NamedTuple):
    """An entry in the heap of what comes next."""

    time: float
    priority: int
    entry: Any


class Scheduler:
    """``tick`` sends what is due and says in how many seconds to come again; ``schedule`` holds the entries by name."""

    Entry: Any = ScheduleEntry
    schedule: Any
    max_interval: float = DEFAULT_MAX_INTERVAL
    sync_every: float = 3 * 60
    sync_every_tasks: int | None = None
    logger = logger
    _last_sync: float | None = None
    _tasks_since_sync = 0

    def __init__(
        self,
        app: Any,
        schedule: Any = None,
        max_interval: float | None = None,
        Producer: Any = None,
        lazy: bool = False,
        sync_every_tasks: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.app = app
        entries = schedule() if callable(schedule) else schedule
        self.data: Any = {} if entries is None else entries
        self.max_interval = max_interval or app.conf.beat_max_loop_interval or self.max_interval
        self.Producer = Producer
        self.sync_every_tasks = app.conf.beat_sync_every if sync_every_tasks is None else sync_every_tasks
        self.old_schedulers: Any = None
        self._heap: list[event_t] | None = None
        if not lazy:
            self.setup_schedule()

    # -- entries

    def setup_schedule(self) -> None:
        """Load the entries; for subclasses."""
        self.install_default_entries(self.data)
        self.merge_inplace(self.app.conf.beat_schedule)

    def install_default_entries(self, data: Any) -> None:
        """Add what every schedule has; nothing here, since workers remove expired results by themselves."""

    def get_schedule(self) -> Any:
        """Return the entries by name."""
        return self.data

    def set_schedule(self, schedule: Any) -> None:
        """Replace the entries."""
        self.data = schedule

    schedule = property(get_schedule, set_schedule)

    def add(self, **kwargs: Any) -> Any:
        """Add an entry made of these fields and return it."""
        entry = self.Entry(app=self.app, **kwargs)
        self.schedule[entry.name] = entry
        return entry

    def _maybe_entry(self, name: str, entry: Any) -> Any:
        if isinstance(entry, self.Entry):
            entry.app = self.app
            return entry
        return self.Entry(**{**entry, "name": name, "app": self.app})

    def update_from_dict(self, dict_: Mapping[str, Any]) -> None:
        """Add or replace entries given as in ``beat_schedule``."""
        self.schedule.update({name: self._maybe_entry(name, entry) for name, entry in dict_.items()})

    def merge_inplace(self, b: Mapping[str, Any]) -> None:
        """Let the schedule have just these entries; what was counted of those that stay is kept."""
        schedule: MutableMapping[str, Any] = self.schedule
        for name in set(schedule) - set(b):
            schedule.pop(name, None)
        for name, given in b.items():
            entry = self._maybe_entry(name, given)
            if schedule.get(name):
                schedule[name].update(entry)
            else:
                schedule[name] = entry

    # -- the round

    def tick(self, event_t: Any = event_t, min: Any = min, heappop: Any = heapq.heappop, heappush: Any = heapq.heappush) -> float:
        """Send the entry that is due first, if it is; return the seconds until the next round."""
        if self._heap is None or not self.schedules_equal(self.old_schedulers, self.schedule):
            self.old_schedulers = dict(self.schedule)
            self.populate_heap()
        heap = self._heap
        if not heap:
            return self.max_interval
        first = heap[0]
        due, following = self.is_due(first.entry)
        if not due:
            return float(min(self.adjust(following), self.max_interval))
        taken = heappop(heap)
        if taken is not first:
            heappush(heap, taken)
            return 0.0
        after = self.reserve(first.entry)
        self.apply_entry(first.entry, producer=self.producer)
        heappush(heap, event_t(self._when(after, following), first.priority, after))
        return 0.0

    def populate_heap(self, event_t: Any = event_t, heapify: Callable[[list[Any]], None] = heapq.heapify) -> None:
        """Put every entry into the heap, by when it is to be looked at."""
        self._heap = []
        for entry in list(self.schedule.values()):
            due, following = self.is_due(entry)
            self._heap.append(event_t(self._when(entry, 0 if due else following or 0), 5, entry))
        heapify(self._heap)

    def _when(self, entry: Any, next_time_to_run: float, mktime: Any = None) -> float:
        return float(time.time() + (self.adjust(next_time_to_run) or 0))

    def adjust(self, n: Any, drift: float = -0.010) -> Any:
        """Return a pause a little shortened, so that its end is not missed."""
        return n + drift if n and n > 0 else n

    def is_due(self, entry: Any) -> Any:
        """Ask an entry whether it is due, and in how many seconds to ask again."""
        return entry.is_due()

    def schedules_equal(self, old_schedules: Any, new_schedules: Any) -> bool:
        """Tell whether the authors' part of all entries is the same."""
        if old_schedules is None or new_schedules is None:
            return old_schedules is new_schedules
        if set(old_schedules) != set(new_schedules):
            return False
        return all(new_schedules.get(name) == entry for name, entry in old_schedules.items())

    # -- sending

    def reserve(self, entry: Any) -> Any:
        """Count an entry as sent and return it as it is from then on."""
        following = self.schedule[entry.name] = next(entry)
        return following

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send an entry's task; what goes wrong is logged."""
        try:
            result = self.apply_async(entry, producer=producer, advance=False)
        except Exception:
            logger.exception("%s could not be sent.", entry.name)
        else:
            logger.info("%s: sent %s[%s].", entry.name, entry.task, getattr(result, "id", None))

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Send an entry's task and return its result; ``advance`` counts it as sent first. Raises SchedulingError."""
        if advance:
            entry = self.reserve(entry)
        options = {**entry.options, **kwargs}
        options["headers"] = {**(options.get("headers") or {}), PERIODIC_HEADER: entry.name}
        args, named = evaluated(entry.args or ()), evaluated(entry.kwargs or {})
        try:
            task = self.app.tasks.get(entry.task)
            if task is not None:
                return task.apply_async(args, named, **options)
            return self.send_task(entry.task, args, named, **options)
        except Exception as error:
            raise SchedulingError(f"Cannot send the task of {entry.name}: {error}") from error
        finally:
            self._tasks_since_sync += 1
            if self.should_sync():
                self._do_sync()

    def send_task(self, *args: Any, **kwargs: Any) -> Any:
        """Send a task by its name."""
        return self.app.send_task(*args, **kwargs)

    @property
    def producer(self) -> Any:
        """Nothing: the application sends."""
        return None

    connection = producer

    # -- writing down

    def should_sync(self) -> bool:
        """Tell whether it is time to write the schedule down."""
        late = not self._last_sync or time.monotonic() - self._last_sync > self.sync_every
        return bool(late or (self.sync_every_tasks and self._tasks_since_sync >= self.sync_every_tasks))

    def _do_sync(self) -> None:
        try:
            self.sync()
        finally:
            self._last_sync = time.monotonic()
            self._tasks_since_sync = 0

    def sync(self) -> None:
        """Write the schedule down; for subclasses."""

    def close(self) -> None:
        """Write the schedule down and end."""
        self.sync()

    @property
    def info(self) -> str:
        """Say in a line where the schedule is; for subclasses."""
        return ""
