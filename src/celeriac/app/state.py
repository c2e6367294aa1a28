"""The current application and task, and every application of this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from celeriac.app import requests
from celeriac.app.proxy import Proxy
from celeriac.contracts.current import current_client, set_current_client
from celeriac.engine.current import current
from celeriac.results.joining import tell_inside_task

_STRICT = ("CELERY_TRACE_APP", "C_STRICT_APP")
"""Environment variables that find the places where an application is not passed on."""

active: WeakSet[Any] = WeakSet()
"""Every application that has not been closed."""

shared: list[Callable[[Any], Any]] = []
"""What makes the shared tasks for an application."""


def get_current_app() -> Any:
    """Return the current application."""
    return current_client()


def set_current_app(app: Any) -> None:
    """Make an application the current one."""
    set_current_client(app)


def app_or_default(app: Any = None) -> Any:
    """Return the application given, else the current one; RuntimeError instead where the environment variable ``CELERY_TRACE_APP`` is set."""
    if app is None and any(os.environ.get(name) for name in _STRICT):
        raise RuntimeError(f"No application was passed on, and {' or '.join(_STRICT)} is set: give the application here explicitly")
    return current_client() if app is None else app


class CurrentTasks:
    """What was the module ``celery.registry``, of which programs still ask ``registry.tasks``."""

    @property
    def tasks(self) -> Any:
        """The tasks of the current application by name."""
        return current_client().tasks


registry = CurrentTasks()


def get_current_task() -> Any:
    """Return the task that runs here, or None."""
    frame = requests.top()
    return None if frame is None else frame.task


def get_current_worker_task() -> Any:
    """Return the task that a worker runs here, as opposed to one that was called as a function; None outside."""
    attempt = current()
    return None if attempt is None else attempt.task


def runs_in_worker() -> bool:
    """Return whether this code is part of a task that a worker runs, as opposed to an eager or a plain call."""
    attempt = current()
    return attempt is not None and attempt.job is not None


def connect_shared(make: Callable[[Any], Any]) -> None:
    """Make a task in every application, those to come included."""
    shared.append(make)
    for app in list(active):
        if app.finalized:
            make(app)


current_app: Any = Proxy(get_current_app)
current_task: Any = Proxy(get_current_task)
tell_inside_task(runs_in_worker)
