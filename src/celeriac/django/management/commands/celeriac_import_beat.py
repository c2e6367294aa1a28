"""``manage.py celeriac_import_beat``: takes over the entries of django-celery-beat."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from celeriac.django.entries import PeriodicTask, current_space
from celeriac.model.errors import CeleriacError

_CLEANUP = "celery.backend_cleanup"
_SENT = ("queue", "exchange", "routing_key", "priority")
_CRON = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


class Command(BaseCommand):
    """Copies; what is there already under the same name is left alone, unless told otherwise."""

    help = "Copies the periodic tasks of django-celery-beat into celeriac's own table: run it once, then set CELERY_BEAT_STORE = 'django-db'."

    def add_arguments(self, parser: Any) -> None:
        """Name the options."""
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--replace", action="store_true", help="replace entries of the same name")
        parser.add_argument("--disable-old", action="store_true", help="switch off the entries that were copied, so that nothing is sent twice")

    def handle(self, *args: Any, dry_run: bool = False, replace: bool = False, disable_old: bool = False, **options: Any) -> None:
        """Copy the entries that can be copied."""
        if not apps.is_installed("django_celery_beat"):
            raise CommandError("django_celery_beat is not in INSTALLED_APPS: its tables cannot be read")
        theirs = apps.get_model("django_celery_beat", "PeriodicTask")
        refused: list[Any] = []
        copied: list[Any] = []
        with transaction.atomic():
            for old in theirs.objects.select_related().order_by("name"):
                told = self._take_over(old, replace=replace)
                self.stdout.write(f"{old.name}: {told or 'copied'}")
                (refused if told and told.startswith("not copied") else copied if told is None else []).append(old)
            if disable_old:
                for old in copied:
                    old.enabled = False
                    old.save()
            transaction.set_rollback(dry_run)
        would = "would be " if dry_run else ""
        self.stdout.write(f"{len(copied)} {would}copied, {len(refused)} cannot be.")
        if refused:
            raise CommandError(f"Not everything could be copied: {', '.join(old.name for old in refused)}")

    def _take_over(self, old: Any, *, replace: bool) -> str | None:
        if old.task == _CLEANUP:
            return "left out: workers remove expired results by themselves"
        there = PeriodicTask.objects.filter(space=current_space(), name=old.name).first()
        if there is not None and (there.from_code or not replace):
            return f"left alone: there is one of this name{' in the code' if there.from_code else ', --replace puts this one in its place'}"
        if there is not None:
            there.delete()
        try:
            row = PeriodicTask(**dict(_columns(old)))
            row.full_clean()
            _count_on(row, old)
            row.save()
        except (CeleriacError, ValidationError, ValueError, TypeError) as error:
            return f"not copied: {'; '.join(error.messages) if isinstance(error, ValidationError) else error}"
        return None


def _columns(old: Any) -> Iterator[tuple[str, Any]]:
    yield from (("name", old.name), ("task", old.task), ("enabled", old.enabled), ("one_off", old.one_off), ("description", old.description))
    yield from (("start", old.start_time), ("end", old.expires), ("args", json.loads(old.args or "[]")), ("kwargs", json.loads(old.kwargs or "{}")))
    yield "options", _options(old)
    yield from _when(old)


def _options(old: Any) -> dict[str, Any]:
    found = {name: value for name in _SENT if (value := getattr(old, name)) not in (None, "")}
    headers = json.loads(old.headers or "{}")
    if headers:
        found["headers"] = headers
    if old.expire_seconds is not None:
        found["expires"] = old.expire_seconds
    return found


def _when(old: Any) -> Iterator[tuple[str, Any]]:
    if old.interval is not None:
        every, period = old.interval.every, old.interval.period
        yield from (("every", every / 1000), ("period", "milliseconds")) if period == "microseconds" else (("every", every), ("period", period))
    elif old.crontab is not None:
        yield "crontab", " ".join(str(getattr(old.crontab, name)).replace(" ", "") for name in _CRON)
        yield "timezone", str(old.crontab.timezone)
    elif old.solar is not None:
        yield from (("solar_event", old.solar.event), ("latitude", float(old.solar.latitude)), ("longitude", float(old.solar.longitude)))
    elif old.clocked is not None:
        yield "clocked", old.clocked.clocked_time
        # What is over has been sent there, and is not sent once more.
        yield "enabled", old.enabled and old.clocked.clocked_time.timestamp() > time.time()


def _count_on(row: PeriodicTask, old: Any) -> None:
    """Go on where the other scheduler was: an interval counts from its last run."""
    row.runs = old.total_run_count
    if old.last_run_at is None:
        return
    row.last_run = old.last_run_at.timestamp()
    if old.interval is not None and row.enabled:
        row.count_from(row.last_run)
