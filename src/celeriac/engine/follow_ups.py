"""What a finished attempt sends: callbacks, the next step of its chain, errbacks."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from typing import Any

from celeriac.canvas.algebra import Signature, maybe_signature
from celeriac.canvas.compile import as_list, known_plain
from celeriac.canvas.sending import collecting
from celeriac.engine import abandon
from celeriac.engine.current import Attempt
from celeriac.engine.exception_info import safe_repr
from celeriac.engine.retry import stamps_of
from celeriac.model.request import Request
from celeriac.model.steps import Steps

logger = logging.getLogger("celeriac.app.trace")


def after_success(attempt: Attempt, value: Any) -> None:
    """Register the callbacks and the next step of the chain, each of which gets the value."""
    request = attempt.request
    callbacks, chain = request.callbacks, request.unread_chain
    client = attempt.tools.client
    options = _inherited(attempt)
    with collecting(attempt.plans):
        for callback in callbacks or ():
            _note(attempt, _send(attempt, maybe_signature(callback, app=client), value, options))
        if chain:
            following = maybe_signature(chain[-1], app=client)
            _note(attempt, _send(attempt, following, value, {**options, "chain": _rest(chain, following)}))


def _rest(chain: Sequence[Any], following: Signature) -> Sequence[Any] | None:
    """Return what comes after the step that follows; a workflow takes it apart, the message of a task hands it on unread."""
    rest = chain[:-1]
    if isinstance(rest, Steps) and not following.get("subtask_type"):
        return rest or None
    return known_plain(list(rest)) or None


def after_failure(attempt: Attempt, error: BaseException, traceback: str) -> None:
    """Run, or register, the errbacks.

    An errback whose function can take them is run here and now with (request, exception, traceback); one that takes less, is bound, or is not
    registered here is sent as a task with the id of the failed one.
    """
    request = attempt.request
    if request.errbacks:
        call_errbacks(attempt, request.errbacks, request, error, traceback)
    if request.chain:
        abandon.rest(attempt, request.chain, error, traceback)


def takes_details(task: Any, errback: Signature) -> bool:
    """Whether an errback's task takes (request, exception, traceback) beside what its signature brings, as opposed to an id."""
    if task is None or getattr(task, "bind_to_self", False):
        return False
    try:
        # An immutable one gets nothing; it runs where it would have got it.
        brought: Any = ((), {}) if errback.immutable else (errback.args, errback.kwargs)
        inspect.signature(task.run).bind(None, None, None, *brought[0], **brought[1])
    except (TypeError, ValueError):
        return False
    return True


def call_errbacks(attempt: Attempt, errbacks: Any, request: Request, error: BaseException, traceback: str) -> None:
    """Run, or register, errbacks for a call that failed (the request says which)."""
    for errback in as_list(errbacks):
        try:
            _fail(attempt, maybe_signature(errback, app=attempt.tools.client), request, error, traceback)
        except Exception as trouble:
            logger.exception("Task %s[%s]: errback %s raised: %s", request.task, request.id, errback, safe_repr(trouble))


def _fail(attempt: Attempt, errback: Signature, request: Request, error: BaseException, traceback: str) -> None:
    if takes_details(attempt.tools.client.tasks.get(errback.name), errback):
        errback(request, error, traceback)
        return
    options = {"root_id": request.root_id or request.id, "parent_id": request.id, "add_to_parent": False, **stamps_of(request)}
    with collecting(attempt.plans):
        errback.apply_async((request.id,), **options)


def _send(attempt: Attempt, following: Signature, value: Any, options: dict[str, Any]) -> Any:
    if attempt.request.is_eager and following.get("subtask_type"):
        # A workflow that nobody counts the parts of: here and now is the only place where it can run.
        chain = options.pop("chain", None)
        whole = Signature.TYPES["chain"](following, *reversed(chain)) if chain else following
        return whole.apply((value,))
    return following.apply_async((value,), **options)


def _inherited(attempt: Attempt) -> dict[str, Any]:
    request = attempt.request
    options: dict[str, Any] = {"root_id": request.root_id or request.id, "parent_id": request.id, "add_to_parent": False}
    if attempt.tools.inherit_priority:
        options["priority"] = (request.delivery_info or {}).get("priority")
    options.update(stamps_of(request))
    return options


def _note(attempt: Attempt, result: Any) -> None:
    if result is not None:
        attempt.add_child(result)
