"""What programs import of requests: the class of ``task.request``, and of what the signal ``task_received`` brings."""

from __future__ import annotations

from celeriac.model.request import Request
from celery._remedies import refusals

__all__ = ["Request"]

__getattr__ = refusals(__name__)
