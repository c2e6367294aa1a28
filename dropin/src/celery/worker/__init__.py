"""What programs import of workers."""

from __future__ import annotations

from celeriac.worker.boot import Worker as WorkController
from celery._remedies import refusals

__all__ = ["WorkController"]

__getattr__ = refusals(__name__)
