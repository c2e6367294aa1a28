"""Loggers for tasks."""

from __future__ import annotations

from celeriac.log import get_task_logger

__all__ = ["get_task_logger"]
