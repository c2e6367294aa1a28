"""Steps: objects of the user's that begin and end with a worker (``app.steps["worker"].add(MyStep)``); names and methods are Celery's.

A step is made as ``Step(parent, **options)`` in the process of the worker that speaks with the broker, and made again when that process is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

__all__ = ["ConsumerStep", "StartStopStep", "Step"]


class Step:
    """Something that is made when a worker begins."""

    name: ClassVar[str | None] = None
    requires: ClassVar[Any] = ()
    """Steps that begin before this one: classes, or their paths. Celery's own parts (``celery.worker.components:Timer``) are there before all."""
    conditional: ClassVar[bool] = False
    """Whether to leave the step out unless ``enabled`` is set on it."""
    last: ClassVar[bool] = False
    """Whether to begin after all steps that do not say so."""
    label: ClassVar[str | None] = None
    enabled: Any = None

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        """Take the worker (or its consumer) and the worker's options; nothing works yet."""

    def include_if(self, parent: Any) -> Any:
        """Return whether this step is wanted."""
        return self.enabled if self.conditional else True

    def include(self, parent: Any) -> bool:
        """Create the step if it is wanted; return whether it was."""
        if not self.include_if(parent):
            return False
        self.create(parent)
        return True

    def create(self, parent: Any) -> Any:
        """Make what the step is for."""
        return None

    def __repr__(self) -> str:
        return f"<step: {self.label or self.name or type(self).__name__}>"


class StartStopStep(Step):
    """A step that begins and ends with the worker. What ``create`` returns is ``obj``; its ``start``, ``stop`` and ``terminate`` are called."""

    obj: Any = None

    def include(self, parent: Any) -> bool:
        if not self.include_if(parent):
            return False
        self.obj = self.create(parent)
        return True

    def start(self, parent: Any) -> Any:
        """Begin: the worker is connected and about to fetch."""
        return self._call("start")

    def stop(self, parent: Any) -> Any:
        """End: nothing runs any more, the connection is still there."""
        return self._call("stop")

    def close(self, parent: Any) -> Any:
        """The shutdown is about to begin; for Celery's sake, called right before ``stop``."""

    def terminate(self, parent: Any) -> Any:
        """End at once, in a cold shutdown."""
        return self._call("terminate" if hasattr(self.obj, "terminate") else "stop")

    def _call(self, method: str) -> Any:
        act: Callable[[], Any] | None = getattr(self.obj, method, None) if self.obj is not self else None
        return act() if callable(act) else None


class ConsumerStep(StartStopStep):
    """A step of the consumer. Consumers of kombu (``get_consumers``) cannot be had: a worker refuses such a step by name."""

    requires = ("celery.worker.consumer:Connection",)

    def get_consumers(self, channel: Any) -> Any:
        """Return consumers of kombu: none. Where this is overridden, the worker does not start."""
        return ()

    def shutdown(self, parent: Any) -> Any:
        """The consumer ends for good."""
