"""Moving messages."""

from __future__ import annotations

from celeriac.contrib.migrate import (
    State,
    StopFiltering,
    filter_callback,
    filter_status,
    migrate_task,
    migrate_tasks,
    move,
    move_by_idmap,
    move_by_taskmap,
    move_direct,
    move_direct_by_id,
    move_task_by_id,
    republish,
    start_filter,
    task_id_eq,
    task_id_in,
)
from celery._remedies import refusals

__all__ = [
    "State",
    "StopFiltering",
    "filter_callback",
    "filter_status",
    "migrate_task",
    "migrate_tasks",
    "move",
    "move_by_idmap",
    "move_by_taskmap",
    "move_direct",
    "move_direct_by_id",
    "move_task_by_id",
    "republish",
    "start_filter",
    "task_id_eq",
    "task_id_in",
]

__getattr__ = refusals(__name__)
