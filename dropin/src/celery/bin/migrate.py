"""The command migrate."""

from __future__ import annotations

from celeriac.cli.migrate import migrate
from celery._remedies import refusals

__all__ = ["migrate"]

__getattr__ = refusals(__name__)
