"""The table of messages that were written with a transaction and are not sent yet."""

from __future__ import annotations

from django.db import models


class OutboxMessage(models.Model):
    """One call or workflow: what is committed here is sent, and removed when the broker has it.

    ``owner`` sends it until ``until``; then whoever finds it.
    """

    task = models.CharField(max_length=255)
    task_id = models.CharField(max_length=255, db_index=True)
    body = models.BinaryField()
    owner = models.CharField(max_length=36, db_index=True)
    until = models.DateTimeField(db_index=True)
    tries = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = "message in the outbox"
        verbose_name_plural = "messages in the outbox"

    def __str__(self) -> str:
        return f"{self.task}[{self.task_id}]"
