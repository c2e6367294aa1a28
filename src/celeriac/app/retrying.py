"""``Task.retry`` and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.canvas import Signature
from celeriac.engine.current import current
from celeriac.engine.retry import again, options_of
from celeriac.model.errors import Retry


def retry_task(
    task: Any,
    args: Any,
    kwargs: Any,
    *,
    exc: BaseException | None,
    throw: bool,
    eta: Any,
    countdown: float | None,
    max_retries: int | None,
    options: Mapping[str, Any],
) -> Retry:
    """Register the next try of the running call, which leaves together with the state RETRY; raise ``Retry``, or return it unless ``throw``."""
    attempt = current()
    directly = task.request.called_directly
    if attempt is None or directly:
        # Called as a plain function: there is nothing to try again, the caller gets the error.
        raise exc if exc is not None else Retry("Task can be retried", None)
    limit = task.override_max_retries if max_retries is None else max_retries
    decided = again(attempt, args=args, kwargs=kwargs, error=exc, eta=eta, countdown=countdown, max_retries=limit, **options)
    if throw:
        raise decided
    return decided


def signature_from_request(
    task: Any,
    request: Any,
    args: Any = None,
    kwargs: Any = None,
    countdown: float | None = None,
    eta: Any = None,
    retries: int = 0,
    **options: Any,
) -> Signature:
    """Return the signature of the call that a request stands for, with everything that belongs to it."""
    same = args is None and kwargs is None
    merged = {**options_of(request, same_arguments=same), "retries": retries, **options}
    for name, value in (("countdown", countdown), ("eta", eta)):
        if value is not None:
            merged[name] = value
    return Signature(
        task.name,
        args=request.args if args is None else args,
        kwargs=request.kwargs if kwargs is None else kwargs,
        options=merged,
        type=task,
        app=task.app,
    )
