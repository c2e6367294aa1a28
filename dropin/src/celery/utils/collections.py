"""Containers."""

from __future__ import annotations

from celeriac.lib.collections import AttributeDict, LimitedSet, force_mapping
from celery._remedies import refusals

__all__ = ["AttributeDict", "LimitedSet", "force_mapping"]

__getattr__ = refusals(__name__)
