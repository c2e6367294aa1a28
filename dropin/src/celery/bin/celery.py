"""The root of the command line."""

from __future__ import annotations

from celeriac.cli.main import celeriac as celery
from celeriac.cli.main import main

__all__ = ["celery", "main"]
