"""Executors."""

from __future__ import annotations

from celeriac.worker.executors.registry import executor_names as get_available_pool_names
from celeriac.worker.executors.registry import find_executor as get_implementation
from celery._remedies import refusals

__all__ = ["get_available_pool_names", "get_implementation"]

__getattr__ = refusals(__name__)
