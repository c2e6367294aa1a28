"""The command list."""

from __future__ import annotations

from celeriac.cli.listing import listing
from celery._remedies import refusals

__all__ = ["listing"]

__getattr__ = refusals(__name__)
