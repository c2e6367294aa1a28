"""The command worker."""

from __future__ import annotations

from celeriac.cli.worker import worker
from celery._remedies import refusals

__all__ = ["worker"]

__getattr__ = refusals(__name__)
