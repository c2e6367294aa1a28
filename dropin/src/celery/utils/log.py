"""Loggers for tasks."""

from __future__ import annotations

from celeriac.log import LOG_LEVELS, base_logger, get_logger, get_task_logger, mlevel, task_logger, worker_logger
from celery._remedies import refusals

__all__ = ["LOG_LEVELS", "base_logger", "get_logger", "get_task_logger", "mlevel", "task_logger", "worker_logger"]

__getattr__ = refusals(__name__)
