"""Cameras."""

from __future__ import annotations

from celeriac.events.snapshot import Polaroid, evcam
from celery._remedies import refusals

__all__ = ["Polaroid", "evcam"]

__getattr__ = refusals(__name__)
