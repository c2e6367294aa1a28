"""The tasks by name."""

from __future__ import annotations

from celeriac.app.registry import TaskRegistry
from celery._remedies import refusals

__all__ = ["TaskRegistry"]

__getattr__ = refusals(__name__)
