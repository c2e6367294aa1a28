"""The tables of results."""

from __future__ import annotations

from django.db import models


class Kept(models.Model):
    """What is kept of a task or group: encoded bytes, which the database does not look into."""

    body = models.BinaryField()
    content_type = models.CharField(max_length=128)
    content_encoding = models.CharField(max_length=64)
    expires = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        abstract = True


class TaskResult(Kept):
    """The state of one task; its name and worker are known where results are kept with them (setting ``result_extended``)."""

    task_id = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=50, db_index=True)
    changed = models.DateTimeField(auto_now=True, db_index=True)
    task = models.CharField(max_length=255, blank=True, default="", db_index=True)
    worker = models.CharField(max_length=255, blank=True, default="")
    parent_id = models.CharField(max_length=255, blank=True, default="", db_index=True)

    class Meta:
        ordering = ("-changed",)

    def __str__(self) -> str:
        return f"{self.task_id}: {self.state}"


class GroupResult(Kept):
    """A saved group."""

    group_id = models.CharField(max_length=255, unique=True)

    def __str__(self) -> str:
        return str(self.group_id)
