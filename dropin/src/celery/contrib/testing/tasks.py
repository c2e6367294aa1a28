"""The task by which a worker shows that it works."""

from __future__ import annotations

from celeriac.testing.tasks import ping
from celery._remedies import refusals

__all__ = ["ping"]

__getattr__ = refusals(__name__)
