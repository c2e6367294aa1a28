"""The command graph."""

from __future__ import annotations

from celeriac.cli.graph import graph
from celery._remedies import refusals

__all__ = ["graph"]

__getattr__ = refusals(__name__)
