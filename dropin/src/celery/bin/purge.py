"""The command purge."""

from __future__ import annotations

from celeriac.cli.purge import purge
from celery._remedies import refusals

__all__ = ["purge"]

__getattr__ = refusals(__name__)
