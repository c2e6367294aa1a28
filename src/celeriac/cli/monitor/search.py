"""What is typed to find tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celeriac.events.state import Task

_FIELDS: dict[str, Callable[[Task], Any]] = {
    "id": lambda task: task.uuid,
    "name": lambda task: task.name,
    "state": lambda task: task.state,
    "worker": lambda task: task.worker.hostname if task.worker is not None else None,
    "args": lambda task: f"{task.args or ''} {task.kwargs or ''}",
    "result": lambda task: task.result,
    "exception": lambda task: task.exception,
}
HINT = "words, or name: state: worker: args: id: result: exception:"


def matcher(text: str) -> Callable[[Task], bool]:
    """Return what tells whether a task is meant: it has every word, in any field or in the one that ``field:word`` names."""
    wanted = [_wanted(word) for word in text.lower().split()]
    return lambda task: all(any(word in str(look(task) or "").lower() for look in looks) for looks, word in wanted)


def _wanted(word: str) -> tuple[list[Callable[[Task], Any]], str]:
    field, colon, value = word.partition(":")
    if colon and field in _FIELDS:
        return [_FIELDS[field]], value
    return list(_FIELDS.values()), word
