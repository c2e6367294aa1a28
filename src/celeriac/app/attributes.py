"""Task attributes that the settings give when neither class nor decorator does."""

from __future__ import annotations

from typing import Any

from celeriac.contracts.current import current_client

FROM_SETTINGS = {
    "serializer": "task_serializer",
    "rate_limit": "task_default_rate_limit",
    "priority": "task_default_priority",
    "time_limit": "task_time_limit",
    "soft_time_limit": "task_soft_time_limit",
    "track_started": "task_track_started",
    "acks_late": "task_acks_late",
    "acks_on_failure_or_timeout": "task_acks_on_failure_or_timeout",
    "acks_on_failure": "task_acks_on_failure",
    "acks_on_timeout": "task_acks_on_timeout",
    "reject_on_worker_lost": "task_reject_on_worker_lost",
    "retry_on_worker_lost": "task_retry_on_worker_lost",
    "ignore_result": "task_ignore_result",
    "store_eager_result": "task_store_eager_result",
    "store_errors_even_if_ignored": "task_store_errors_even_if_ignored",
}

SENT = (
    *("queue", "routing_key", "exchange", "exchange_type", "priority", "expires", "serializer", "delivery_mode", "compression"),
    *("time_limit", "soft_time_limit", "immediate", "mandatory", "ignore_result", "transactional"),
)
"""Attributes of a task that are options of each of its messages."""


class _CurrentApp:
    """The application of a task that was given none: the current one."""

    def __get__(self, task: Any, owner: type | None = None) -> Any:
        return current_client()


def current_app_by_default() -> Any:
    """Return the attribute ``app`` of tasks."""
    return _CurrentApp()


class _FromSettings:
    """Reads a setting when first asked, and keeps it as an attribute of the task: the next read costs nothing."""

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, task: Any, owner: type | None = None) -> Any:
        if task is None:
            return None
        value = task.__dict__[self._name] = getattr(task.app.conf, self._setting)
        task.__dict__.setdefault("_settled", set()).add(self._name)
        return value


def from_settings(name: str) -> Any:
    """Return the attribute ``name`` of tasks that ``FROM_SETTINGS`` lists."""
    return _FromSettings(FROM_SETTINGS[name])


def forget_settled(task: Any) -> None:
    """Let a task read the settings anew."""
    for name in task.__dict__.pop("_settled", ()):
        task.__dict__.pop(name, None)


def explicit(task: Any, name: str) -> Any:
    """Return an attribute that class, decorator or assignment gave a task; None for what comes from the settings."""
    if name in task.__dict__.get("_settled", ()):
        return None
    if name in task.__dict__:
        return task.__dict__[name]
    for owner in type(task).__mro__:
        if name in owner.__dict__:
            found = owner.__dict__[name]
            return None if isinstance(found, _FromSettings) else found
    return None


def sent_options(task: Any) -> dict[str, Any]:
    """Return the options that a task's own attributes give each of its messages."""
    found = {name: value for name in SENT if (value := explicit(task, name)) is not None}
    found["ignore_result"] = bool(task.ignore_result)
    return found
