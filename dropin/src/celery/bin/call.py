"""The command call."""

from __future__ import annotations

from celeriac.cli.call import call
from celery._remedies import refusals

__all__ = ["call"]

__getattr__ = refusals(__name__)
