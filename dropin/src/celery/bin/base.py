"""What commands of plug-ins are built from."""

from __future__ import annotations

from celeriac.cli.context import Command as CeleryCommand
from celeriac.cli.context import Context as CLIContext
from celery._remedies import refusals

__all__ = ["CLIContext", "CeleryCommand"]

__getattr__ = refusals(__name__)
