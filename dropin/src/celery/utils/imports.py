"""Importing by name."""

from __future__ import annotations

from celeriac.lib.importing import gen_task_name, instantiate, qualname, symbol_by_name
from celery._remedies import refusals

__all__ = ["gen_task_name", "instantiate", "qualname", "symbol_by_name"]

__getattr__ = refusals(__name__)
