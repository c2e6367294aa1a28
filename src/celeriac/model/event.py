"""Events: what workers and clients tell whoever watches."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value


class Event(Value, frozen=True):
    """One occurrence, such as task-succeeded, with its fields (Celery's names)."""

    type: str
    fields: dict[str, Any]
    timestamp: float
    began: float = 0.0
    """When the task that has ended began (epoch seconds), where that is known: for who has not been told of its beginning yet."""
