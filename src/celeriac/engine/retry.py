"""Trying again: when, how often, and the message for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from celeriac.canvas.algebra import Signature
from celeriac.canvas.compile import plan_call
from celeriac.canvas.sending import collecting
from celeriac.contracts.runnable import Runnable
from celeriac.engine.current import Attempt
from celeriac.engine.shares import ADDED
from celeriac.lib.backoff import exponential
from celeriac.model.errors import Ignore, MaxRetriesExceededError, Reject, Retry
from celeriac.model.request import Request

UNSTOPPABLE = (Ignore, Reject, Retry)
"""Never retried automatically: the task has said itself how it ends."""


def wants_retry(task: Runnable, error: BaseException) -> bool:
    """Whether a task's own options ask for another try after an error."""
    autoretry = task.autoretry_for
    if not autoretry or isinstance(error, UNSTOPPABLE):
        return False
    return isinstance(error, tuple(autoretry)) and not isinstance(error, tuple(task.dont_autoretry_for or ()))


def pause_before(task: Runnable, retries: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
    """Return the seconds before the next try: Celery's formula, whole seconds, ``min(max, factor * 2 ** retries)``, with full jitter from 0."""
    factor = max(1, int(task.retry_backoff))
    seconds = exponential(retries, factor=factor, maximum=float(task.retry_backoff_max))
    return float(int(uniform(0.0, int(seconds) + 1)) if task.retry_jitter else int(seconds))


def automatic(attempt: Attempt, error: Exception) -> Exception:
    """Register the next try that the task's ``autoretry_for`` asks for; return the ``Retry``, or what the task fails with when there were enough."""
    task = attempt.task
    options = dict(task.retry_kwargs or {})
    if attempt.max_retries is not None:
        options["max_retries"] = attempt.max_retries
    limit = options.get("max_retries")
    if exhausted(attempt.request.retries, task.max_retries if limit is None else limit):
        return error
    if task.retry_backoff:
        options["countdown"] = pause_before(task, attempt.request.retries)
    try:
        decided = again(attempt, error=error, **options)
    except Exception as trouble:
        return trouble
    decided.__cause__ = error
    return decided


def again(
    attempt: Attempt,
    *,
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    error: BaseException | None = None,
    eta: Any = None,
    countdown: float | None = None,
    max_retries: int | None = None,
    **options: Any,
) -> Retry:
    """Register the next try of an attempt (its message leaves together with the state RETRY); return the ``Retry`` to raise.

    Raises ``error``, or MaxRetriesExceededError when there is none, when there were enough.
    """
    task, request = attempt.task, attempt.request
    if max_retries is not None:
        attempt.max_retries = max_retries
    limit = task.max_retries if max_retries is None else max_retries
    error = options.pop("exc", None) or error
    if exhausted(request.retries, limit):
        raise given_up(request, error, args, kwargs)
    if eta is None and countdown is None:
        countdown = task.default_retry_delay
    if attempt.added:
        known = dict(request.headers or {})
        options["headers"] = {**known, **(options.get("headers") or {}), ADDED: attempt.added + int(known.get(ADDED) or 0)}
    call = next_call(request, args, kwargs, attempt.tools.client, {**options, "eta": eta, "countdown": countdown})
    if request.is_eager:
        # Where every call is eager, sending would run the next try inside this one.
        attempt.plans.append(plan_call(call.name, tuple(call.args), call.kwargs, call.options, now=attempt.tools.clock.now()))
    else:
        with collecting(attempt.plans):
            call.apply_async()
    return Retry(exc=error, when=eta if countdown is None else countdown, sig=call, is_eager=request.is_eager)


def exhausted(retries: int, limit: int | None) -> bool:
    """Whether a task that was tried again ``retries`` times may not be once more; None is no limit."""
    return limit is not None and retries >= limit


def given_up(request: Request, error: BaseException | None, args: Any = None, kwargs: Mapping[str, Any] | None = None) -> BaseException:
    """Return what to raise when there were enough tries."""
    if error is not None:
        return error
    args = tuple((request.args if args is None else args) or ())
    kwargs = dict((request.kwargs if kwargs is None else kwargs) or {})
    text = f"Can't retry {request.task}[{request.id}] args:{args} kwargs:{kwargs}"
    return MaxRetriesExceededError(text, task_args=args, task_kwargs=kwargs)


def next_call(request: Request, args: Any, kwargs: Mapping[str, Any] | None, client: Any, options: Mapping[str, Any]) -> Signature:
    """Return the call of the next try: same id, one retry more, everything that hangs on the task kept; ``options`` win."""
    same = args is None and kwargs is None
    merged = {**options_of(request, same_arguments=same), "retries": request.retries + 1}
    merged.update((key, value) for key, value in options.items() if value is not None)
    if any(options.get(key) is not None for key in ("queue", "exchange", "routing_key")):
        for key in ("queue", "exchange", "routing_key"):
            if options.get(key) is None:
                merged.pop(key, None)
    return Signature(
        request.task,
        args=request.args if args is None else args,
        kwargs=request.kwargs if kwargs is None else kwargs,
        options=merged,
        app=client,
    )


def options_of(request: Request, *, same_arguments: bool = True) -> dict[str, Any]:
    """Return the call options that make the same call again."""
    hard, soft = request.timelimit or (None, None)
    options = {
        "task_id": request.id,
        "root_id": request.root_id,
        "group_id": request.group,
        "group_index": request.group_index,
        "shadow": request.shadow,
        "chord": request.chord,
        "chain": request.chain,
        "link": request.callbacks,
        "link_error": request.errbacks,
        "expires": request.expires,
        "time_limit": hard,
        "soft_time_limit": soft,
        "reply_to": request.reply_to,
        "headers": request.headers,
        "replaced_task_nesting": request.replaced_task_nesting or None,
        "argsrepr": request.argsrepr if same_arguments else None,
        "kwargsrepr": request.kwargsrepr if same_arguments else None,
        **_destination(request.delivery_info or {}),
        **stamps_of(request),
    }
    # Said even when it is None: the task is not its own parent.
    always = {"add_to_parent": False, "parent_id": request.parent_id, "ignore_result": request.ignore_result}
    return {**always, **{key: value for key, value in options.items() if value is not None}}


def stamps_of(request: Request) -> dict[str, Any]:
    """Return the options that put the request's stamps on another call."""
    names = request.stamped_headers
    if not names:
        return {}
    stamps = request.stamps or {}
    return {"stamped_headers": list(names), **{name: stamps.get(name) for name in names}}


def _destination(info: Mapping[str, Any]) -> dict[str, Any]:
    exchange, key = info.get("exchange"), info.get("routing_key")
    route = {"exchange": exchange, "routing_key": key} if exchange else {"queue": key}
    return {**route, "priority": info.get("priority") or None}
