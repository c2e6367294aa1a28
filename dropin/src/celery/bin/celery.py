"""The root of the command line."""

from __future__ import annotations

from celeriac.cli.main import celeriac as celery
from celeriac.cli.main import main
from celery._remedies import refusals

__all__ = ["celery", "main"]

__getattr__ = refusals(__name__)
