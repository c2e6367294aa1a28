"""The admin page of the outbox: what waits, and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models

from celeriac.contracts.current import current_client
from celeriac.django.asking import database_clock
from celeriac.django.outbox import sweep
from celeriac.django.outbox_table import OutboxMessage
from celeriac.model.errors import CeleriacError


@admin.register(OutboxMessage)
class OutboxMessageAdmin(admin.ModelAdmin):
    """Messages that were committed and are not sent yet: usually none. Who deletes one here sees to it that it is never sent."""

    list_display = ("task", "task_id", "created", "tries", "until", "error")
    list_filter = ("task",)
    search_fields = ("task", "task_id", "error")
    fields = ("task", "task_id", "created", "tries", "until", "error")
    readonly_fields = fields
    actions = ("send_now",)

    def has_add_permission(self, request: Any) -> bool:
        """Messages are written by calls."""
        return False

    @admin.action(description="Send now", permissions=["change"])
    def send_now(self, request: Any, queryset: Any) -> None:
        """Try again at once."""
        models.QuerySet.update(queryset, until=database_clock(0.0))
        try:
            sent = sweep(current_client(), queryset.db)
        except CeleriacError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(request, f"{sent} sent.", messages.SUCCESS if sent else messages.WARNING)
