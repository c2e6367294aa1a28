"""The base of all tasks."""

from __future__ import annotations

from celeriac.app.task import Task
from celeriac.model.request import Request as Context
from celery._remedies import refusals

__all__ = ["Context", "Task"]

__getattr__ = refusals(__name__)
