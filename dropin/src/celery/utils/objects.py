"""Objects."""

from __future__ import annotations

from celeriac.lib.collections import Bunch
from celery._remedies import refusals

__all__ = ["Bunch"]

__getattr__ = refusals(__name__)
