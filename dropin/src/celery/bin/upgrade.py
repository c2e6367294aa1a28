"""The command upgrade."""

from __future__ import annotations

from celeriac.cli.upgrade import upgrade
from celery._remedies import refusals

__all__ = ["upgrade"]

__getattr__ = refusals(__name__)
