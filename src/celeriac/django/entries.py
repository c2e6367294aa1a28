"""The tables of the schedule: entries that people edit, and who schedules.

A row is written by two: its author, by columns that say what and when, and the scheduler, which counts. ``save`` writes only the author's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from celeriac.beat.definition import Definition, decoded
from celeriac.beat.planning import first_due, in_words
from celeriac.beat.stored import CODE, RUN_TIME, Stored, body_of, stored_of
from celeriac.beat.stores import space_of
from celeriac.contracts.current import current_client
from celeriac.contracts.schedule_store import ScheduleRecord
from celeriac.django.entry_columns import UNITS, definition_from, from_epoch, plain
from celeriac.model.errors import CeleriacError
from celeriac.schedules.entry import MISFIRES
from celeriac.schedules.solar import EVENTS

_AUTHORS = (
    *("name", "task", "every", "period", "crontab", "solar_event", "latitude", "longitude", "clocked", "special", "timezone", "args", "kwargs"),
    *("options", "enabled", "one_off", "start", "end", "jitter", "misfire", "max_lateness", "description"),
)
_DERIVED = ("body", "mark", "changed")
_WHEN = ("schedule", "timezone", "start", "end", "jitter", "one_off")
"""Keys of a definition that say when: when one of them changes, the entry counts from now on."""

def current_space() -> str:
    """Return the name under which the current application keeps its schedule."""
    return space_of(current_client())


def mark_of(body: bytes) -> str:
    """Return what two rows have in common whose bodies are the same; not every database compares bodies."""
    return blake2b(body, digest_size=16).hexdigest()


class PeriodicTaskQuerySet(models.QuerySet):
    """Rows; what is changed in bulk is checked and planned like what is saved one by one."""

    def update(self, **values: Any) -> int:
        """Change rows; where that changes what or when, each is saved by itself."""
        if not set(values) & set(_AUTHORS):
            return int(super().update(**values))
        with transaction.atomic(using=self.db):
            rows = list(self)
            for row in rows:
                for name, value in values.items():
                    setattr(row, name, value)
                row.save(using=self.db)
        return len(rows)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        """Add rows."""
        rows = list(objs)
        for row in rows:
            row.plan(time.time())
        return super().bulk_create(rows, *args, **kwargs)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], *args: Any, **kwargs: Any) -> Any:
        """Change rows."""
        rows, names = list(objs), set(fields)
        if names & set(_AUTHORS):
            for row in rows:
                names |= row.plan(time.time())
        return super().bulk_update(rows, [*names], *args, **kwargs)


class PeriodicTask(models.Model):
    """A task that the scheduler sends again and again: ``PeriodicTask.objects.create(name="poll", task="shop.poll", every=30)``.

    When is said by one of ``every`` (with ``period``), ``crontab`` (a cron line), ``solar_event`` (with its place) and ``clocked`` (once).
    """

    space = models.CharField(max_length=200, default="", blank=True, editable=False)
    name = models.CharField(max_length=255)
    task = models.CharField(max_length=255)
    every = models.FloatField(null=True, blank=True)
    period = models.CharField(max_length=16, default="seconds", choices=[(name, name) for name in UNITS])
    crontab = models.CharField(max_length=255, blank=True, default="")
    solar_event = models.CharField(max_length=32, blank=True, default="", choices=[(name, name.replace("_", " ")) for name in EVENTS])
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    clocked = models.DateTimeField(null=True, blank=True)
    special = models.JSONField(null=True, blank=True, editable=False)
    timezone = models.CharField(max_length=64, blank=True, default="")
    args = models.JSONField(default=list, blank=True)
    kwargs = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    one_off = models.BooleanField(default=False)
    start = models.DateTimeField(null=True, blank=True)
    end = models.DateTimeField(null=True, blank=True)
    jitter = models.FloatField(default=0.0, blank=True)
    misfire = models.CharField(max_length=16, default="run_once", choices=[(name, name.replace("_", " ")) for name in MISFIRES])
    max_lateness = models.FloatField(null=True, blank=True)
    description = models.TextField(blank=True, default="")
    source = models.CharField(max_length=16, default=RUN_TIME, editable=False)
    body = models.BinaryField(blank=True, editable=False)
    mark = models.CharField(max_length=32, blank=True, editable=False)
    next_due = models.FloatField(null=True, editable=False)
    last_run = models.FloatField(null=True, editable=False)
    runs = models.BigIntegerField(default=0, editable=False)
    fired = models.FloatField(null=True, editable=False)
    changed = models.DateTimeField(auto_now=True)

    objects = PeriodicTaskQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("space", "name"), name="celeriac_entry_name"),)
        indexes = (models.Index(fields=("space", "enabled", "next_due"), name="celeriac_entry_due"),)

    def __str__(self) -> str:
        return str(self.name)

    _was_enabled: bool | None = None
    """What the database said when the row was read."""

    # -- looking

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Any:
        """Read a row."""
        row = super().from_db(*args, **kwargs)
        row._was_enabled = row.__dict__.get("enabled")
        return row

    @property
    def next_run_at(self) -> datetime | None:
        """When it is sent next; None when it is not enabled, or over."""
        return from_epoch(self.next_due) if self.enabled else None

    @property
    def last_run_at(self) -> datetime | None:
        """Its last slot that was sent."""
        return from_epoch(self.last_run)

    @property
    def from_code(self) -> bool:
        """Whether it was written in code or settings, where alone it can be changed."""
        return bool(self.source == CODE)

    def schedule_in_words(self) -> str:
        """Say when it is sent."""
        try:
            definition = self.definition(current_client())
        except (CeleriacError, ValueError, TypeError) as error:
            return f"({error})"
        words = in_words(definition.timing.schedule)
        return f"{words} ({self.timezone})" if self.timezone and self.timezone not in words else words

    def definition(self, app: Any) -> Definition:
        """Return what the scheduler makes of it; ImproperlyConfigured or ScheduleError says what is wrong."""
        return decoded(self.name, self._stored().text, app=app) if self.from_code else definition_from(self, app)

    def record(self) -> ScheduleRecord:
        """Return the row as the scheduler knows it."""
        return ScheduleRecord(self.name, bytes(self.body), self.next_due, self.last_run, self.runs, self.enabled)

    def _stored(self) -> Stored:
        return stored_of(self.record())

    # -- changing

    def clean(self) -> None:
        """Refuse what cannot be sent or would never be."""
        if self.from_code:
            return
        try:
            before = bytes(self.body or b"")
            self.plan(time.time())
        except (CeleriacError, ValueError, TypeError) as error:
            raise ValidationError(str(error)) from None
        if self.enabled and self.next_due is None and before != bytes(self.body):
            raise ValidationError("It would never run: its schedule has no slot from now on")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write what its author says; what the scheduler counts stays as it is. ImproperlyConfigured or ScheduleError where it makes no sense."""
        planned = self.plan(time.time())
        given = kwargs.get("update_fields")
        if given is not None:
            kwargs["update_fields"] = {*given, *planned}
        elif not self._state.adding and not kwargs.get("force_insert"):
            kwargs["update_fields"] = {*_AUTHORS, *planned}
        super().save(*args, **kwargs)

    def plan(self, now: float) -> set[str]:
        """Bring what follows from the author's columns up to them; return the names of the columns that follow."""
        if self._state.adding and not self.space:
            self.space = current_space()
        if self.from_code:
            return self._pause(now)
        self.args, self.kwargs, self.options = plain(list(self.args or ())), plain(self.kwargs or {}), plain(self.options or {})
        self.jitter = self.jitter or 0.0
        definition = definition_from(self, current_client())
        text = definition.encoded()
        before = self._stored() if self.body else None
        anew = before is None or _says_when(before.text) != _says_when(text) or (self.enabled and before.paused)
        since = now if before is None or anew else before.since
        return self._write(Stored(text, RUN_TIME, since, not self.enabled), first_due(definition, now) if anew else self.next_due, anew)

    def count_from(self, since: float) -> None:
        """Let an entry that is about to be saved count its slots from a moment on (epoch seconds); what was missed since counts as sent."""
        now = time.time()
        self.plan(now)
        definition = self.definition(current_client())
        self.fired = self.last_run
        self._write(self._stored().replace(since=since), next(definition.timing.slots_after(max(now, since), since), None), anew=True)

    def _pause(self, now: float) -> set[str]:
        """All that can be changed here of what comes from code."""
        stored = self._stored()
        if self.enabled == self._was_enabled:
            return {*_DERIVED}
        try:
            next_due = first_due(self.definition(current_client()), now)
        except (CeleriacError, ValueError, TypeError):
            next_due = now  # The scheduler has its code, and plans it when it sees it.
        since = now if self.enabled else stored.since
        return self._write(stored.replace(paused=not self.enabled, since=since), next_due, anew=True)

    def _write(self, stored: Stored, next_due: float | None, anew: bool) -> set[str]:
        self.body = body_of(stored)
        self.mark = mark_of(self.body)
        if not anew:
            return {*_DERIVED}
        self.next_due = next_due
        return {*_DERIVED, "next_due"}


class Scheduler(models.Model):
    """Who schedules in a space, until when, and which state of the code its entries were brought up to."""

    space = models.CharField(max_length=200, unique=True)
    leader = models.CharField(max_length=255, blank=True, default="")
    token = models.BigIntegerField(default=0)
    expires = models.DateTimeField(null=True)
    stamp = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.space}: {self.leader}"


def _says_when(text: bytes) -> dict[str, Any]:
    said = json.loads(text)
    return {key: said.get(key) for key in _WHEN}
