"""The command shell."""

from __future__ import annotations

from celeriac.cli.shell import shell
from celery._remedies import refusals

__all__ = ["shell"]

__getattr__ = refusals(__name__)
