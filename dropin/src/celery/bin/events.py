"""The command events."""

from __future__ import annotations

from celeriac.cli.events import events
from celery._remedies import refusals

__all__ = ["events"]

__getattr__ = refusals(__name__)
