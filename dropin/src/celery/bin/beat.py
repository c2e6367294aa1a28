"""The command beat."""

from __future__ import annotations

from celeriac.cli.beat import beat
from celery._remedies import refusals

__all__ = ["beat"]

__getattr__ = refusals(__name__)
