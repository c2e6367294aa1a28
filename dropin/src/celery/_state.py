"""The current application and task."""

from __future__ import annotations

from celeriac.app.state import (
    app_or_default,
    connect_shared,
    current_app,
    current_task,
    get_current_app,
    get_current_task,
    get_current_worker_task,
)
from celeriac.app.state import set_current_app as _set_current_app
from celery._remedies import refusals

__all__ = [
    "app_or_default",
    "connect_on_app_finalize",
    "current_app",
    "current_task",
    "get_current_app",
    "get_current_task",
    "get_current_worker_task",
    "set_default_app",
]

connect_on_app_finalize = connect_shared
set_default_app = _set_current_app

__getattr__ = refusals(__name__)
