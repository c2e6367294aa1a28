"""The commands of remote control."""

from __future__ import annotations

from celeriac.cli.remote import control, inspect, status
from celery._remedies import refusals

__all__ = ["control", "inspect", "status"]

__getattr__ = refusals(__name__)
