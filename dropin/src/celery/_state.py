"""The current application and task."""

from __future__ import annotations

from celeriac.app.state import (
    app_or_default,
    current_app,
    current_task,
    get_current_app,
    get_current_task,
    get_current_worker_task,
)
from celeriac.app.state import set_current_app as _set_current_app

__all__ = [
    "app_or_default",
    "current_app",
    "current_task",
    "get_current_app",
    "get_current_task",
    "get_current_worker_task",
    "set_default_app",
]

set_default_app = _set_current_app
