"""The admin page of the schedule."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join

from celeriac.beat import stores
from celeriac.beat.admin import Schedule
from celeriac.contracts.current import current_client
from celeriac.django.entries import PeriodicTask
from celeriac.django.entry_columns import from_epoch
from celeriac.django.entry_form import PeriodicTaskForm
from celeriac.django.schedule_store import ModelScheduleStore
from celeriac.model.errors import CeleriacError

_WHEN = ("crontab", ("every", "period"), "clocked", ("solar_event", "latitude", "longitude"), "timezone", "one_off")
_SO_FAR = ("when", "upcoming", "last_sent", "runs", "where_from")
_LOOSE = ("enabled", "description")
"""Fields of an entry from code that can be changed here."""
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(admin.ModelAdmin):
    """What is sent when."""

    form = PeriodicTaskForm
    list_display = ("name", "when", "next_due_in", "last_sent", "runs", "enabled", "task")
    list_filter = ("enabled", "source", "task")
    search_fields = ("name", "task", "description")
    readonly_fields = _SO_FAR
    actions = ("run_now", "enable", "disable")
    fieldsets = (
        (None, {"fields": ("name", "task", "elsewhere", "enabled", "description")}),
        ("When", {"fields": _WHEN, "description": "Fill in one of these: a crontab, an interval, a time, or an event of the sun."}),
        ("With what", {"fields": ("args", "kwargs", "options")}),
        ("Within what limits", {"fields": ("start", "end", "jitter", "misfire", "max_lateness"), "classes": ("collapse",)}),
        ("So far", {"fields": _SO_FAR}),
    )

    # -- what is shown

    @admin.display(description="when")
    def when(self, row: PeriodicTask) -> str:
        """The schedule in words."""
        return row.schedule_in_words() if row.pk else "-"

    @admin.display(description="next due", ordering="next_due")
    def next_due_in(self, row: PeriodicTask) -> Any:
        """How long until it is sent."""
        if not row.enabled:
            return "-"
        return "over" if row.next_due is None else _moment(row.next_due)

    @admin.display(description="last sent", ordering="last_run")
    def last_sent(self, row: PeriodicTask) -> Any:
        """Its last slot."""
        return "never" if row.last_run is None else _moment(row.last_run)

    @admin.display(description="from", ordering="source")
    def where_from(self, row: PeriodicTask) -> str:
        """Where it was written."""
        return "code" if row.from_code else "here"

    @admin.display(description="next due")
    def upcoming(self, row: PeriodicTask) -> Any:
        """The next slots."""
        if row.pk is None or not row.enabled or row.next_due is None:
            return "not" if row.pk else "after saving"
        try:
            slots = [slot for slot, _ in _schedule_of(row).upcoming(5, row.name)]
        except (CeleriacError, ValueError, TypeError):
            slots = [row.next_due]
        return format_html_join("", "<div>{}</div>", ((_shown(slot),) for slot in slots))

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """Show the list, and whether anybody goes by it."""
        return super().changelist_view(request, {**(extra_context or {}), "subtitle": scheduler_in_words()})

    # -- what may be done

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """What code says is changed in the code."""
        if obj is None or not obj.from_code:
            return _SO_FAR
        every = [name for _, group in self.fieldsets for entry in group["fields"] for name in ((entry,) if isinstance(entry, str) else entry)]
        return tuple(name for name in every if name not in (*_LOOSE, "elsewhere"))

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """Show what there is to say of an entry from code: what it is sent with as it is, and when in words."""
        if obj is None or not obj.from_code:
            return self.fieldsets
        told = {"fields": ("name", "task", *_LOOSE), "description": "It comes from the code: change it there. Here it can be enabled and disabled."}
        return ((None, told), self.fieldsets[2], self.fieldsets[4])

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Let entries from code be removed from the code."""
        return bool(super().has_delete_permission(request, obj)) and (obj is None or not obj.from_code)

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """Name what cannot be deleted here."""
        rows = list(objs)
        deleted, counts, lacking, protected = super().get_deleted_objects([row for row in rows if not row.from_code], request)
        return deleted, counts, lacking, [*protected, *(f"{row.name} comes from the code: remove it there" for row in rows if row.from_code)]

    @admin.action(description="Run now", permissions=["change"])
    def run_now(self, request: Any, queryset: Any) -> None:
        """Send the tasks now, beside their schedule."""
        self._each(request, queryset, lambda row: f"sent, its id is {_schedule_of(row).run(row.name).id}")

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: Any, queryset: Any) -> None:
        """Let them be sent from their next slot on."""
        self._each(request, queryset, lambda row: _set(row, True))

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: Any, queryset: Any) -> None:
        """Let them rest."""
        self._each(request, queryset, lambda row: _set(row, False))

    def _each(self, request: Any, queryset: Any, act: Callable[[Any], str]) -> None:
        for row in queryset:
            try:
                self.message_user(request, f"“{row.name}”: {act(row)}", messages.SUCCESS)
            except (CeleriacError, ValueError, TypeError) as error:
                self.message_user(request, f"“{row.name}”: {error}", messages.ERROR)


def scheduler_in_words() -> str:
    """Say who sends what is in the table, or what is missing."""
    app = current_client()
    if not str(stores.url_of(app) or "").startswith("django-db"):
        return "No scheduler reads this table: set CELERY_BEAT_STORE = 'django-db'"
    leader = ModelScheduleStore(stores.space_of(app)).leader()
    return f"Sent by {leader}" if leader else f"No scheduler runs: start one with  celeriac -A {app.main or 'proj'} beat"


def _schedule_of(row: PeriodicTask) -> Schedule:
    return Schedule(current_client(), store=ModelScheduleStore(row.space, using=row._state.db))


def _set(row: PeriodicTask, enabled: bool) -> str:
    row.enabled = enabled
    row.save()
    return "enabled" if enabled else "disabled"


def _shown(seconds: float) -> str:
    moment = from_epoch(seconds)
    return str(formats.date_format(timezone.localtime(moment) if moment and timezone.is_aware(moment) else moment, "Y-m-d H:i:s"))


def _moment(seconds: float) -> Any:
    """Return a time as people ask for it: how far it is, and, on pointing there, when."""
    return format_html('<span title="{}">{}</span>', _shown(seconds), in_words(seconds - time.time()))


def in_words(seconds: float) -> str:
    """Return a distance in its largest unit: ``in 5 minutes``, ``2 days ago``."""
    length = abs(seconds)
    unit, name = next(((unit, name) for unit, name in _UNITS if length >= unit), (1, "second"))
    count = int(length // unit)
    words = f"{count} {name}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds >= 0 else f"{words} ago"
