"""The tasks that every application has, under the names that Celery's messages use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celeriac.app.chords import UNLOCK, finish, unfinished
from celeriac.canvas import chain, chord, chunks, group, maybe_signature
from celeriac.contracts.backend import Expires


def add_builtin_tasks(app: Any) -> None:
    """Register the built-in tasks with an application."""
    for name, make in BUILTINS.items():
        if name not in app.registry:
            app.task_from_function(make(app), name=name, shared=False, **OPTIONS.get(name, {"bind": False}))


def _backend_cleanup(app: Any) -> Callable[..., Any]:
    def backend_cleanup() -> int:
        """Remove expired results from a store in which they do not vanish by themselves."""
        backend = app.result_backend
        return backend.cleanup() if isinstance(backend, Expires) else 0

    return backend_cleanup


def _accumulate(app: Any) -> Callable[..., Any]:
    def accumulate(*args: Any, **kwargs: Any) -> Any:
        """Return the arguments, or the one at ``index``."""
        index = kwargs.get("index")
        return args[index] if index is not None else args

    return accumulate


def _map(app: Any) -> Callable[..., Any]:
    def xmap(task: Any, it: Any) -> list[Any]:
        """Call a task with each item, one after the other."""
        called = maybe_signature(task, app=app).type
        return [called(item) for item in it]

    return xmap


def _starmap(app: Any) -> Callable[..., Any]:
    def xstarmap(task: Any, it: Any) -> list[Any]:
        """Call a task with each item's elements, one after the other."""
        called = maybe_signature(task, app=app).type
        return [called(*item) for item in it]

    return xstarmap


def _chunks(app: Any) -> Callable[..., Any]:
    def chunks_(task: Any, it: Any, n: int) -> Any:
        """Send a ``starmap`` for each ``n`` items."""
        return chunks.apply_chunks(task, it, n, app=app).as_tuple()

    return chunks_


def _chain(app: Any) -> Callable[..., Any]:
    def chain_(tasks: Any = (), *args: Any, **kwargs: Any) -> Any:
        """Send a chain."""
        return _tuple(chain(*tasks, app=app).apply_async(args, kwargs))

    return chain_


def _group(app: Any) -> Callable[..., Any]:
    def group_(tasks: Any, result: Any = None, group_id: str | None = None, partial_args: Any = (), add_to_parent: bool = True) -> Any:
        """Send a group."""
        found = group([maybe_signature(task, app=app) for task in tasks], app=app)
        if group_id:
            found.set(task_id=group_id)
        return _tuple(found.apply_async(partial_args, add_to_parent=add_to_parent))

    return group_


def _chord(app: Any) -> Callable[..., Any]:
    def chord_(
        header: Any, body: Any, partial_args: Any = (), interval: Any = None, countdown: Any = 1, max_retries: Any = None, **kwargs: Any
    ) -> Any:
        """Send a chord."""
        return _tuple(chord(header, body, app=app).apply_async(partial_args, kwargs.get("kwargs"), interval=interval, max_retries=max_retries))

    return chord_


def _chord_unlock(app: Any) -> Callable[..., Any]:
    def chord_unlock(
        self: Any,
        group_id: str,
        callback: Any,
        interval: float | None = None,
        max_retries: int | None = None,
        result: Any = None,
        parts: Any = None,
        kind: Any = ("application/json", "utf-8"),
        error: BaseException | None = None,
        **_ignored: Any,
    ) -> None:
        """Finish a chord whose parts are done: send its body, or let it fail."""
        finish(self, group_id, callback, parts=parts, kind=kind, result=result, interval=interval, max_retries=max_retries, error=error)

    return chord_unlock


def _tuple(result: Any) -> Any:
    return None if result is None else result.as_tuple()


OPTIONS: dict[str, dict[str, Any]] = {
    # It may be run again: what it sends leaves together with its acknowledgement.
    UNLOCK: {
        "bind": True, "ignore_result": True, "acks_late": True, "reject_on_worker_lost": True, "max_retries": None, "on_failure": unfinished,
    },
}
BUILTINS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "celery.backend_cleanup": _backend_cleanup,
    "celery.accumulate": _accumulate,
    "celery.map": _map,
    "celery.starmap": _starmap,
    "celery.chunks": _chunks,
    "celery.chain": _chain,
    "celery.group": _group,
    "celery.chord": _chord,
    UNLOCK: _chord_unlock,
}
