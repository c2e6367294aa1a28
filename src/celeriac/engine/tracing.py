"""The seam by which packages put something of theirs around a whole attempt, signals included: they replace Celery's ``build_tracer``.

Nothing here runs until a module has offered the name to be replaced (``offer``; the drop-in's ``celery.app.trace`` does when it is imported).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from celeriac.engine.current import Attempt
from celeriac.model.effects import Effects

Tracer = Callable[..., Any]
"""Called with the task's id, its arguments (positional, by name) and its request as a dictionary."""

logger = logging.getLogger("celeriac.app.trace")

home: ModuleType | None = None
"""The module whose ``build_tracer`` counts."""
_built: dict[str, tuple[Any, Any, Tracer]] = {}


class _Inside:
    """An attempt on its way through a tracer that is not ours."""

    def __init__(self, attempt: Attempt, run: Callable[[Attempt], Effects]) -> None:
        self._attempt: Attempt | None = attempt
        self._run = run
        self._effects: Effects | None = None

    def pass_through(self, callee: Any = None) -> None:
        """Run the attempt, once; ``callee`` is what to call, where somebody has put something around the task."""
        if self._attempt is not None:
            attempt, self._attempt = self._attempt, None
            if callee is not None:
                attempt.callee = callee
            self._effects = self._run(attempt)

    @property
    def broken(self) -> bool:
        """Whether the attempt itself has raised."""
        return self._attempt is None and self._effects is None

    def take(self) -> Effects:
        """Return what follows, and forget it: the frames of an exception lead back here."""
        effects, self._effects = self._effects, None
        assert effects is not None
        return effects


_inside: ContextVar[_Inside | None] = ContextVar("celeriac_inside_tracer", default=None)


def offer(module: ModuleType) -> None:
    """Let the ``build_tracer`` of a module be what runs attempts from now on."""
    global home
    home = module


def build_tracer(name: str, task: Any, *settings: Any, **options: Any) -> Tracer:
    """Return what runs an attempt of the task; whoever replaces this function wraps that, or the task. Celery's settings change nothing."""

    def trace(uuid: str, args: Any, kwargs: Any, request: Any = None) -> None:
        inside = _inside.get()
        if inside is None:
            raise RuntimeError(f"Only a worker can run task {uuid} by its tracer: call task.apply(args, kwargs) instead.")
        inside.pass_through(task)

    return trace


def task_has_custom(task: Any, attribute: str) -> bool:
    """Tell whether a task's class, or one between it and the base of all tasks, defines an attribute itself."""
    return any(attribute in vars(kind) for kind in type(task).__mro__ if kind is not object and not kind.__module__.startswith("celeriac."))


def around(attempt: Attempt, run: Callable[[Attempt], Effects]) -> Effects:
    """Run an attempt inside the tracer of its task, if that is not ours; trouble with the tracer is logged and is not the task's."""
    build = getattr(home, "build_tracer", build_tracer)
    if build is build_tracer:
        return run(attempt)
    message = attempt.message
    inside = _Inside(attempt, run)
    token = _inside.set(inside)
    try:
        _tracer(build, attempt)(message.id, message.args, message.kwargs, vars(attempt.request))
    except Exception:
        if inside.broken:
            raise
        logger.exception("Task %s[%s]: the tracer by %r raised", message.task, message.id, build)
    finally:
        _inside.reset(token)
    # One that has lost its way before it came to the task must not cost the task.
    inside.pass_through()
    return inside.take()


def _tracer(build: Any, attempt: Attempt) -> Tracer:
    task, tools = attempt.task, attempt.tools
    name = attempt.message.task
    known = _built.get(name)
    if known is not None and known[0] is build and known[1] is task:
        return known[2]
    tracer: Tracer = build(name, task, hostname=tools.hostname, eager=attempt.job is None, app=tools.client)
    _built[name] = (build, task, tracer)
    return tracer
