"""The task by which a worker shows that it works."""

from __future__ import annotations

from typing import Any

PING = "celery.ping"
PONG = "pong"


def ping() -> str:
    """Answer."""
    return PONG


def add_ping(app: Any) -> Any:
    """Register ``celery.ping`` with an application, unless it has one; return the task."""
    return app.tasks[PING] if PING in app.tasks else app.task(name=PING)(ping)
