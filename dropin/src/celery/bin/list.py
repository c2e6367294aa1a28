"""The command list."""

from __future__ import annotations

from celeriac.cli.listing import listing as list_
from celery._remedies import refusals

__all__ = ["list_"]

__getattr__ = refusals(__name__)
