"""Serialization."""

from __future__ import annotations

from celeriac.lib.text import b64decode, b64encode
from celery._remedies import refusals

__all__ = ["b64decode", "b64encode"]

__getattr__ = refusals(__name__)
