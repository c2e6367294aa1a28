"""The command logtool."""

from __future__ import annotations

from celeriac.cli.logtool import logtool
from celery._remedies import refusals

__all__ = ["logtool"]

__getattr__ = refusals(__name__)
