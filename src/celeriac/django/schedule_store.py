"""The schedule in the project's database: the rows that the admin shows are what the scheduler goes by."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Case, F, Q, When

from celeriac.beat.stored import stored_of
from celeriac.contracts.schedule_store import PAGE, Firing, ScheduleRecord, ScheduleStore
from celeriac.django.asking import asking, database_clock
from celeriac.django.entries import PeriodicTask, Scheduler, mark_of
from celeriac.django.entry_columns import columns_of
from celeriac.model.errors import ImproperlyConfigured

logger = logging.getLogger("celeriac.beat")

_LONGEST_NAME = 255
_COUNTED = ("name", "body", "next_due", "last_run", "runs", "enabled")
_REPLACED = [
    *("task", "every", "period", "crontab", "solar_event", "latitude", "longitude", "clocked", "special", "timezone", "args", "kwargs", "options"),
    *("one_off", "start", "end", "jitter", "misfire", "max_lateness", "source", "body", "mark", "enabled", "next_due", "last_run", "runs", "changed"),
]
_LONGEST_LEASE = 600.0
"""Seconds; a lease that ends later than this was given by a clock that has been set back since: it counts as over."""


class ModelScheduleStore(ScheduleStore):
    """One application's schedule; ``now`` returns an expression for a time so many seconds from now."""

    def __init__(self, space: str = "", *, using: str | None = None, now: Callable[[float], Any] = database_clock) -> None:
        self._space = space
        self._using = using or router.db_for_write(PeriodicTask)
        self._now = now

    def scan(self) -> Iterator[ScheduleRecord]:
        last = ""
        while rows := self._page(last):
            yield from rows
            last = rows[-1].name

    def _page(self, last: str) -> list[ScheduleRecord]:
        with self._asking():
            return _records(self._rows().filter(name__gt=last).order_by("name")[:PAGE])

    def get(self, names: Collection[str]) -> Mapping[str, ScheduleRecord]:
        with self._asking():
            return {record.name: record for record in _records(self._rows().filter(name__in=list(names)))}

    def put(self, records: Sequence[ScheduleRecord], *, afresh: bool = False) -> None:
        rows = [_row(self._space, record) for record in records if _fits(record)]
        if not rows:
            return
        with_target = connections[self._using].features.supports_update_conflicts_with_target
        with self._asking():
            models.QuerySet(PeriodicTask, using=self._using).bulk_create(
                rows, update_conflicts=True, update_fields=[*_REPLACED, "fired"] if afresh else _REPLACED,
                unique_fields=["space", "name"] if with_target else None,
            )  # fmt: skip

    def remove(self, names: Collection[str]) -> None:
        if names:
            with self._asking():
                self._rows().filter(name__in=list(names)).delete()

    def due_before(self, moment: float, limit: int) -> Sequence[ScheduleRecord]:
        with self._asking():
            return _records(self._rows().filter(enabled=True, next_due__lte=moment).order_by("next_due")[:limit])

    def next_due(self) -> float | None:
        with self._asking():
            first = self._rows().filter(enabled=True, next_due__isnull=False).order_by("next_due").values_list("next_due", flat=True)[:1]
            return next((float(moment) for moment in first), None)

    def stamp(self) -> str:
        with self._asking():
            return self._scheduler().values_list("stamp", flat=True).first() or ""

    def set_stamp(self, text: str) -> None:
        with self._asking():
            self._own_row()
            self._scheduler().update(stamp=text)

    # -- the lead

    def lead(self, candidate: str, ttl: float) -> int | None:
        with self._asking():
            if self._leader() not in (None, candidate):
                return None
            self._own_row()
            # One statement decides; the token comes first, since MySQL carries out assignments from left to right.
            free = Q(leader__in=("", candidate)) | ~self._leased()
            following = Case(When(leader=candidate, then=F("token")), default=F("token") + 1)
            if not self._scheduler().filter(free).update(token=following, leader=candidate, expires=self._now(min(ttl, _LONGEST_LEASE))):
                return None
            token = self._scheduler().filter(leader=candidate).values_list("token", flat=True).first()
            return None if token is None else int(token)

    def resign(self, candidate: str) -> None:
        with self._asking():
            self._scheduler().filter(leader=candidate).update(leader="", expires=None)

    def leader(self) -> str | None:
        with self._asking():
            return self._leader()

    def _leader(self) -> str | None:
        found = self._scheduler().filter(self._leased()).exclude(leader="").values_list("leader", flat=True).first()
        return None if found is None else str(found)

    def _leased(self) -> Q:
        return Q(expires__isnull=False, expires__gt=self._now(0.0), expires__lte=self._now(_LONGEST_LEASE))

    def _own_row(self) -> None:
        Scheduler.objects.using(self._using).get_or_create(space=self._space)

    # -- firing

    def fire(self, token: int, firings: Sequence[Firing]) -> Sequence[bool]:
        if any(firing.outgoing for firing in firings):
            raise ImproperlyConfigured("The schedule in Django's database sends no messages: they go to the broker first")
        with self._asking(), transaction.atomic(using=self._using):
            # Written first, so that nobody takes the lead before the slots are marked.
            if not self._scheduler().filter(token=token).update(token=token):
                return [False] * len(firings)
            return [self._fire(firing) for firing in firings]

    def _fire(self, firing: Firing) -> bool:
        record = firing.record
        unfired = Q(fired__isnull=True) | Q(fired__lt=firing.slot)
        rows = self._rows().filter(unfired, name=record.name, enabled=True, mark=mark_of(record.body))
        return bool(rows.update(next_due=record.next_due, last_run=record.last_run, runs=record.runs, fired=firing.slot))

    # -- within

    def _rows(self) -> Any:
        return models.QuerySet(PeriodicTask, using=self._using).filter(space=self._space)

    def _scheduler(self) -> Any:
        return Scheduler.objects.using(self._using).filter(space=self._space)

    def _asking(self) -> AbstractContextManager[None]:
        return asking("schedule")


def _records(rows: Any) -> list[ScheduleRecord]:
    return [
        ScheduleRecord(name, bytes(body), next_due, last_run, runs, bool(enabled))
        for name, body, next_due, last_run, runs, enabled in rows.values_list(*_COUNTED)
    ]


def _fits(record: ScheduleRecord) -> bool:
    if len(record.name) <= _LONGEST_NAME:
        return True
    logger.error("The name of the entry %.40s... has more than %d characters: it is left out; give it a shorter one.", record.name, _LONGEST_NAME)
    return False


def _row(space: str, record: ScheduleRecord) -> PeriodicTask:
    columns = {}
    try:
        stored = stored_of(record)
        columns = {**columns_of(stored.text), "source": stored.source}
    except (ValueError, TypeError, KeyError):
        # Kept as it is: whoever wrote it reads it.
        pass
    counted = {name: getattr(record, name) for name in _COUNTED}
    return PeriodicTask(space=space, mark=mark_of(record.body), **counted, **columns)
