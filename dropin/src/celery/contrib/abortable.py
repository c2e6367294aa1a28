"""Tasks that can be asked to stop."""

from __future__ import annotations

from celeriac.contrib.abortable import ABORTED, AbortableAsyncResult, AbortableTask
from celery._remedies import refusals

__all__ = ["ABORTED", "AbortableAsyncResult", "AbortableTask"]

__getattr__ = refusals(__name__)
