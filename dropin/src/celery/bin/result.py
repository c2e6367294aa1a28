"""The command result."""

from __future__ import annotations

from celeriac.cli.result import result
from celery._remedies import refusals

__all__ = ["result"]

__getattr__ = refusals(__name__)
