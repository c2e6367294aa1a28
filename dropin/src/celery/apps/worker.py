"""The worker as a program."""

from __future__ import annotations

from celeriac.worker.boot import Worker
from celery._remedies import refusals

__all__ = ["Worker"]

__getattr__ = refusals(__name__)
