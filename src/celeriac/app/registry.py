"""The tasks of an application by their names."""

from __future__ import annotations

from typing import Any

from celeriac.model.errors import NotRegistered


class TaskRegistry(dict[str, Any]):
    """Names to tasks; a missing name raises NotRegistered."""

    NotRegistered = NotRegistered

    def __missing__(self, key: str) -> Any:
        raise NotRegistered(key)

    def register(self, task: Any) -> None:
        """Enter a task under its name."""
        if not task.name:
            raise ValueError(f"The task class {type(task).__name__!r} has no name; set its `name` attribute")
        self[task.name] = task

    def unregister(self, name: Any) -> None:
        """Remove a task, given by name or as it is; raise NotRegistered when it is not in."""
        name = getattr(name, "name", name)
        if name not in self:
            raise NotRegistered(name)
        del self[name]

    def regular(self) -> dict[str, Any]:
        """Return the tasks that beat does not send."""
        return self.filter_types("regular")

    def periodic(self) -> dict[str, Any]:
        """Return the tasks of the kind ``periodic``."""
        return self.filter_types("periodic")

    def filter_types(self, type: str) -> dict[str, Any]:
        """Return the tasks whose ``type`` attribute (``regular`` when they have none) is ``type``."""
        return {name: task for name, task in self.items() if getattr(task, "type", "regular") == type}
