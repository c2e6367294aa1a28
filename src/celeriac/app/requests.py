"""Which tasks run here, innermost first: one context variable holds the requests of all tasks."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from celeriac.model.request import Request


class Frame:
    """A task that runs, its request, and the frame below."""

    __slots__ = ("below", "request", "task")

    def __init__(self, task: Any, request: Request, below: "Frame | None") -> None:
        self.task = task
        self.request = request
        self.below = below


_top: ContextVar[Frame | None] = ContextVar("celeriac_requests", default=None)


def push(task: Any, request: Request) -> None:
    """Enter a task."""
    _top.set(Frame(task, request, _top.get()))


def pop(task: Any) -> None:
    """Leave the innermost run of a task."""
    top = _top.get()
    if top is None:
        return
    if top.task is task:
        _top.set(top.below)
    else:
        _top.set(_without(top, task))


def _without(frame: Frame, task: Any) -> Frame | None:
    if frame.task is task:
        return frame.below
    below = None if frame.below is None else _without(frame.below, task)
    return Frame(frame.task, frame.request, below)


def top() -> Frame | None:
    """Return the innermost frame."""
    return _top.get()


def request_of(task: Any) -> Request | None:
    """Return the request of the innermost run of a task, or None."""
    frame = _top.get()
    while frame is not None and frame.task is not task:
        frame = frame.below
    return None if frame is None else frame.request


def worker_frame() -> Frame | None:
    """Return the innermost frame that a worker (or eager mode) entered, as opposed to a plain call of a task as a function."""
    frame = _top.get()
    while frame is not None and frame.request.called_directly:
        frame = frame.below
    return frame


class RequestStack:
    """The requests of one task, as a stack."""

    def __init__(self, task: Any) -> None:
        self._task = task

    @property
    def top(self) -> Request | None:
        """The innermost request, or None."""
        return request_of(self._task)

    def push(self, request: Request) -> None:
        """Enter the task with a request."""
        push(self._task, request)

    def pop(self) -> Request | None:
        """Leave the innermost run; return its request."""
        found = request_of(self._task)
        if found is not None:
            pop(self._task)
        return found

    def __len__(self) -> int:
        frame, count = _top.get(), 0
        while frame is not None:
            count += frame.task is self._task
            frame = frame.below
        return count
