"""Graphs."""

from __future__ import annotations

from celeriac.results.graph import DependencyGraph
from celery._remedies import refusals

__all__ = ["DependencyGraph"]

__getattr__ = refusals(__name__)
