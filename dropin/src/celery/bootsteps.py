"""Steps of workers."""

from __future__ import annotations

from celeriac.bootsteps import ConsumerStep, StartStopStep, Step
from celery._remedies import refusals

__all__ = ["ConsumerStep", "StartStopStep", "Step"]

__getattr__ = refusals(__name__)
