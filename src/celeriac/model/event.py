"""Events: what workers and clients tell whoever watches."""

from __future__ import annotations

from typing import Any

from celeriac.lib.value import Value


class Event(Value, frozen=True):
    """One occurrence, such as task-succeeded, with its fields (Celery's names)."""

    type: str
    fields: dict[str, Any]
    timestamp: float
