"""What is stored."""

from __future__ import annotations

from django.db import models


class Order(models.Model):
    """An order: so many parcels, packed by a task."""

    title = models.CharField(max_length=100)
    parcels = models.PositiveIntegerField(default=5)
    packed = models.PositiveIntegerField(default=0)
    task_id = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return str(self.title)
