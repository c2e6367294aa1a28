"""The admin page of results: found by task, worker, state and id; with what it belongs to; run again or revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from celeriac.contracts.current import current_client
from celeriac.django.result_tables import TaskResult
from celeriac.lib.saferepr import saferepr
from celeriac.model import states
from celeriac.model.errors import CeleriacError
from celeriac.model.record import ResultMeta, ResultRecord

_SHORT, _LONG = 120, 20_000
_MOST = 200
"""Tasks that the page of another one lists at most."""
_NOT_TASKS = ("WORKFLOW", "CALL")
"""States of records that hold parts of workflows, and calls of django.tasks."""
_COLOURS = {states.SUCCESS: "#2e7d32", states.FAILURE: "#c62828", states.REVOKED: "#6a1b9a", states.RETRY: "#ef6c00"}
_PRE = '<pre style="margin: 0; white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>'


@admin.register(TaskResult)
class TaskResultAdmin(admin.ModelAdmin):
    """What tasks returned or raised."""

    list_display = ("called", "coloured", "short", "changed", "worker")
    list_filter = ("state", "changed", "task", "worker")
    search_fields = ("task_id", "task", "worker", "parent_id")
    date_hierarchy = "changed"
    fieldsets = (
        (None, {"fields": ("task_id", "task", "coloured", "called_with", "result", "traceback")}),
        ("Belongs to", {"fields": ("parent", "below")}),
        ("How it ran", {"fields": ("worker", "retries", "queue", "changed", "expires")}),
    )
    actions = ("run_again", "revoke")
    show_full_result_count = False

    def get_queryset(self, request: Any) -> Any:
        """Leave out what is no result of a task."""
        return super().get_queryset(request).exclude(state__in=_NOT_TASKS)

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """All of it is to be read."""
        return tuple(name for _, group in self.fieldsets for name in group["fields"])

    def has_add_permission(self, request: Any) -> bool:
        """Results are made by tasks."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Let the page of one be read; who may change results may run tasks again and revoke them."""
        return obj is None and bool(super().has_change_permission(request, obj))

    # -- what is shown

    @admin.display(description="task", ordering="task")
    def called(self, row: TaskResult) -> str:
        """The task's name."""
        return row.task or "(not kept)"

    @admin.display(description="state", ordering="state")
    def coloured(self, row: TaskResult) -> Any:
        """The state."""
        return format_html('<b style="color: {}">{}</b>', _colour(row), row.state)

    @admin.display(description="result")
    def short(self, row: TaskResult) -> str:
        """The beginning of the result."""
        found = _meta(row)
        return found if isinstance(found, str) else saferepr(found.result, _SHORT)

    @admin.display(description="called with")
    def called_with(self, row: TaskResult) -> Any:
        """The arguments, where results are kept with them (setting ``result_extended``)."""
        told = _extended(row)
        if "args" not in told:
            return "unknown: CELERY_RESULT_EXTENDED = True keeps it"
        return format_html(_PRE, saferepr((told["args"], told.get("kwargs")), _LONG))

    def result(self, row: TaskResult) -> Any:
        """The result."""
        found = _meta(row)
        return format_html(_PRE, found if isinstance(found, str) else _pretty(found.result))

    def traceback(self, row: TaskResult) -> Any:
        """Where it was raised."""
        found = getattr(_meta(row), "traceback", None)
        return format_html(_PRE, found) if found else "-"

    def parent(self, row: TaskResult) -> Any:
        """The task that called it."""
        found = TaskResult.objects.filter(task_id=row.parent_id).first() if row.parent_id else None
        return (row.parent_id or "-") if found is None else _linked(found)

    @admin.display(description="called from it")
    def below(self, row: TaskResult) -> Any:
        """The tasks that it called or that followed it, and theirs, as far as they have results."""
        lines = format_html_join("", '<div style="padding-left: {}em">{}</div>', ((2 * deep, _linked(found)) for deep, found in _below(row)))
        return lines or "-"

    def retries(self, row: TaskResult) -> Any:
        """How often it was tried again."""
        return _extended(row).get("retries", "-")

    def queue(self, row: TaskResult) -> Any:
        """Where it was called from."""
        return _extended(row).get("queue") or "-"

    # -- what may be done

    @admin.action(description="Run again, as a new call", permissions=["change"])
    def run_again(self, request: Any, queryset: Any) -> None:
        """Call the tasks again with the same arguments."""
        self._each(request, queryset, _again)

    @admin.action(description="Revoke, and end what runs", permissions=["change"])
    def revoke(self, request: Any, queryset: Any) -> None:
        """Let tasks end that have not."""
        self._each(request, queryset, _revoke)

    def _each(self, request: Any, queryset: Any, act: Callable[[Any], str]) -> None:
        for row in queryset:
            try:
                self.message_user(request, f"{row.task or row.task_id}: {act(row)}", messages.SUCCESS)
            except (CeleriacError, ValueError, TypeError) as error:
                self.message_user(request, f"{row.task or row.task_id}: {error}", messages.ERROR)


def _again(row: TaskResult) -> str:
    told = _extended(row)
    if not row.task or not isinstance(told.get("args"), (list, tuple)) or not isinstance(told.get("kwargs"), dict):
        raise ValueError("its arguments are not known: CELERY_RESULT_EXTENDED = True keeps them with results from now on")
    queue = {"queue": told["queue"]} if told.get("queue") else {}
    return f"called again, its id is {current_client().send_task(row.task, told['args'], told['kwargs'], **queue).id}"


def _revoke(row: TaskResult) -> str:
    if row.state in states.READY_STATES:
        raise ValueError(f"it has ended ({row.state}), there is nothing to revoke")
    current_client().control.revoke(row.task_id, terminate=True)
    return "revoked"


def _linked(row: TaskResult) -> Any:
    address = reverse("admin:celeriac_taskresult_change", args=[row.pk])
    return format_html('<a href="{}">{}</a> <b style="color: {}">{}</b>', address, row.task or row.task_id, _colour(row), row.state)


def _colour(row: TaskResult) -> str:
    return _COLOURS.get(row.state, "inherit")


def _below(row: TaskResult) -> list[tuple[int, TaskResult]]:
    """Return what was called from a task, in the order of a tree, each with how deep it is; a generation is one look at the table."""
    children: dict[str, list[TaskResult]] = {}
    generation, left = [row.task_id], _MOST
    while generation and left > 0:
        found = list(TaskResult.objects.filter(parent_id__in=generation).exclude(state__in=_NOT_TASKS).order_by("pk")[:left])
        for child in found:
            children.setdefault(child.parent_id, []).append(child)
        generation, left = [child.task_id for child in found if child.task_id not in children], left - len(found)
    told: list[tuple[int, TaskResult]] = []
    waiting = [(0, child) for child in reversed(children.pop(row.task_id, []))]
    while waiting:
        deep, child = waiting.pop()
        told.append((deep, child))
        waiting += [(deep + 1, each) for each in reversed(children.pop(child.task_id, []))]
    return told


def _pretty(value: Any) -> str:
    if isinstance(value, (dict, list)):
        try:
            return json.dumps(value, indent=2, ensure_ascii=False, default=repr)[:_LONG]
        except (TypeError, ValueError):
            pass
    return saferepr(value, _LONG)


def _extended(row: TaskResult) -> dict[str, Any]:
    return dict(getattr(_meta(row), "extended", None) or {})


def _meta(row: TaskResult) -> ResultMeta | str:
    """Return what is stored of a task, or why it cannot be read."""
    record = ResultRecord(row.task_id, row.state, bytes(row.body), row.content_type, row.content_encoding)
    try:
        meta: ResultMeta = current_client().decode_result(record)
    except CeleriacError as error:
        return str(error)
    return meta
