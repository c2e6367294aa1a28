"""``Task.replace``: another call, or a whole workflow, in the place of the one that runs."""

from __future__ import annotations

from typing import Any

from celeriac.canvas import Signature, chain, chord, group, maybe_signature
from celeriac.canvas.sending import collecting
from celeriac.engine.current import current
from celeriac.engine.retry import stamps_of
from celeriac.model.errors import CompilationError, Ignore, ImproperlyConfigured, ReplacedEagerly


def replace_task(task: Any, signature: Any) -> Any:
    """Register the replacement, which leaves when the attempt ends, and raise Ignore; that of an eager task has run then, its result is the task's.

    A task that is called as a function runs the replacement and gets its result.
    """
    attempt = current()
    found = maybe_signature(signature, app=task.app)
    if not isinstance(found, Signature):
        raise CompilationError(f"Only a signature can replace task {task.name}, not {signature!r}")
    request = task.request
    if found.options.get("chord"):
        raise ImproperlyConfigured(f"The signature that replaces task {task.name} must not have a chord of its own: {found!r}")
    if isinstance(found, chain) and not found.tasks:
        raise CompilationError(f"An empty chain cannot replace task {task.name}")
    found = found.clone()
    if isinstance(found.end(), group):
        # The place is that of one result: the group's list.
        found = found | Signature("celery.accumulate", (), {"index": 0}, app=task.app)
    if attempt is None:
        return found.apply().get()
    if request.is_eager:
        raise ReplacedEagerly(found.apply().get())
    _take_over(found, request)
    whole = chain(found, *(maybe_signature(step, app=task.app) for step in reversed(request.chain))) if request.chain else found
    attempt.replaced = True
    with collecting(attempt.plans):
        whole.apply_async(root_id=request.root_id or request.id, parent_id=request.parent_id, add_to_parent=False, **stamps_of(request))
    raise Ignore(f"Replaced by {found!r}")


def _take_over(found: Any, request: Any) -> None:
    """Give the replacement the id, the chord, the callbacks and the errbacks of the call whose place it takes."""
    found.extend_list_option("link", request.callbacks)
    found.extend_list_option("link_error", request.errbacks)
    end = found.end()
    end.set(task_id=request.id, replaced_task_nesting=request.replaced_task_nesting + 1)
    inherited = {"chord": request.chord, "group_id": request.group, "group_index": request.group_index}
    found.freeze(request.id, root_id=request.root_id or request.id, **{key: value for key, value in inherited.items() if value is not None})
    if isinstance(found, chord):
        end.options.setdefault("task_id", request.id)
