"""Setting ``task_annotations``: attributes of tasks changed from the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.lib.importing import symbol_by_name


def annotate(task: Any, found: Any) -> None:
    """Change a task as the annotations say: those for all tasks (``*``) first, then those for its name."""
    for annotation in _annotations(found):
        for attributes in (_for_any(annotation), _for_task(annotation, task)):
            for name, value in (attributes or {}).items():
                _change(task, name, value)


def _annotations(found: Any) -> Iterable[Any]:
    for item in found if isinstance(found, (list, tuple)) else [found]:
        made = symbol_by_name(item) if isinstance(item, str) else item
        yield made() if isinstance(made, type) else made


def _for_any(annotation: Any) -> Mapping[str, Any] | None:
    if isinstance(annotation, Mapping):
        return annotation.get("*")
    return annotation.annotate_any() if hasattr(annotation, "annotate_any") else None


def _for_task(annotation: Any, task: Any) -> Mapping[str, Any] | None:
    if isinstance(annotation, Mapping):
        return annotation.get(task.name)
    return annotation.annotate(task) if hasattr(annotation, "annotate") else None


def _change(task: Any, name: str, value: Any) -> None:
    if name.startswith("@"):
        task.add_around(name[1:], value)
    elif callable(value) and not isinstance(value, type) and callable(getattr(task, name, None)):
        # Handlers are functions of the task, as if they were written in its class.
        setattr(task, name, value.__get__(task))
    else:
        setattr(task, name, value)
