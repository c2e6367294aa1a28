"""The command multi."""

from __future__ import annotations

from celeriac.cli.multi import multi
from celery._remedies import refusals

__all__ = ["multi"]

__getattr__ = refusals(__name__)
