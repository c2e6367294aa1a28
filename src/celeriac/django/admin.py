"""The admin page of results: to be read, and rows to be deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from celeriac.contracts.current import current_client
from celeriac.django.models import TaskResult
from celeriac.lib.saferepr import saferepr
from celeriac.model.errors import CeleriacError
from celeriac.model.record import ResultRecord

_LONGEST = 300


class TaskResultAdmin(admin.ModelAdmin):
    """What tasks returned or raised."""

    list_display = ("task_id", "task", "state", "shown", "changed")
    list_filter = ("state", "changed")
    search_fields = ("task_id",)
    fields = ("task_id", "task", "state", "shown", "traceback", "changed", "expires")
    readonly_fields = fields

    @admin.display(description="task")
    def task(self, row: TaskResult) -> str:
        """The name of the task, where results are kept with it (setting ``result_extended``)."""
        return str(getattr(_decoded(row), "extended", {}).get("name") or "")

    @admin.display(description="result")
    def shown(self, row: TaskResult) -> str:
        """The beginning of the result."""
        found = _decoded(row)
        return found if isinstance(found, str) else saferepr(found.result, _LONGEST)

    def traceback(self, row: TaskResult) -> str:
        """Where it was raised."""
        return getattr(_decoded(row), "traceback", None) or ""

    def has_add_permission(self, request: Any) -> bool:
        """Results are made by tasks."""
        return False


def _decoded(row: TaskResult) -> Any:
    record = ResultRecord(row.task_id, row.state, bytes(row.body), row.content_type, row.content_encoding)
    try:
        return current_client().decode_result(record)
    except CeleriacError as error:
        return str(error)


admin.site.register(TaskResult, TaskResultAdmin)
