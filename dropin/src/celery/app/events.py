"""Events of an application."""

from __future__ import annotations

from celeriac.events.facade import Events
from celery._remedies import refusals

__all__ = ["Events"]

__getattr__ = refusals(__name__)
