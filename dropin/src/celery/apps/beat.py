"""The scheduler as a program."""

from __future__ import annotations

from celeriac.beat.boot import Beat
from celery._remedies import refusals

__all__ = ["Beat"]

__getattr__ = refusals(__name__)
