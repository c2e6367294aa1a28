"""Tasks that can be asked to stop: the caller aborts, the task looks from time to time whether it was.

    @app.task(bind=True, base=AbortableTask)
    def long(self):
        for part in parts:
            if self.is_aborted():
                return
            work(part)

    long.delay().abort()
"""

from __future__ import annotations

from typing import Any

from celeriac.app.task import Task
from celeriac.results import AsyncResult

ABORTED = "ABORTED"
"""The state of a task that was asked to stop."""


class AbortableAsyncResult(AsyncResult[Any]):
    """The result of a task that can be asked to stop; its store has to be one that both sides reach (not ``rpc://``)."""

    def is_aborted(self) -> bool:
        """Tell whether the task was asked to stop."""
        return bool(self.state == ABORTED)

    def abort(self) -> Any:
        """Ask the task to stop."""
        return self.app.store_state(self.id, ABORTED, None)


class AbortableTask(Task[..., Any]):
    """The base of tasks that can be asked to stop."""

    abstract = True

    def AsyncResult(self, task_id: str, **options: Any) -> AbortableAsyncResult:
        """Return the result of a call by its id."""
        return AbortableAsyncResult(task_id, app=self.app, **options)

    def is_aborted(self, **kwargs: Any) -> bool:
        """Tell whether this call was asked to stop; ``task_id`` asks for another."""
        task_id = kwargs.get("task_id", self.request.id)
        return self.AsyncResult(task_id).is_aborted()
