"""Running calls in the caller's own process: ``apply``, and every call when ``task_always_eager`` is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.canvas.compile import plan_call
from celeriac.engine.attempt import Attempt, Tools, execute, prepare_eager
from celeriac.engine.hooks import Silence
from celeriac.lib.machine import hostname
from celeriac.model import states
from celeriac.model.effects import Effects
from celeriac.model.errors import NotRegistered, Retry
from celeriac.model.outcome import Ignored, Raised, Rejected, Retried, Returned
from celeriac.model.plan import Plan
from celeriac.model.task_message import TaskMessage
from celeriac.results import EagerResult
from celeriac.wire.serializers import dumps, loads


def send_eagerly(task: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> EagerResult[Any]:
    """Run a call instead of sending it; its arguments go through the serializer, as those of a message do."""
    serializer = options.get("serializer") or task.app.conf.task_serializer
    content_type, encoding, body = dumps([list(args), dict(kwargs)], serializer)
    args, kwargs = loads(body, content_type, encoding, None)
    return apply_task(task, tuple(args), dict(kwargs), options)


def apply_task(
    task: Any, args: tuple[Any, ...], kwargs: dict[str, Any], options: Mapping[str, Any], *, throw: bool | None = None
) -> EagerResult[Any]:
    """Run a call, its retries and what follows from it, and return its result; ``throw`` (setting task_eager_propagates) raises its error."""
    app = task.app
    plan = _plan(app, task.name, args, kwargs, options)
    result = run_eagerly(app, task, plan.messages[0].message)
    propagate = app.conf.task_eager_propagates if throw is None else throw
    if propagate and result.state in states.EXCEPTION_STATES:
        result.throw()
    return result


def _plan(app: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], options: Mapping[str, Any]) -> Plan:
    given = {key: value for key, value in options.items() if value is not None}
    return plan_call(name, args, kwargs, given, now=app.time.now(), origin=app.origin, timezone=app.timezone)


def run_eagerly(app: Any, task: Any, message: TaskMessage) -> EagerResult[Any]:
    """Run a message without sending it, again for as long as it asks for a retry, then what follows from it."""
    tools = _tools(app, task)
    while True:
        attempt = prepare_eager(task, message, tools)
        effects = execute(attempt)
        for plan in effects.plans:
            for planned in plan.messages:
                # A retry is a message of the same id among what follows; it is run here, not beside.
                if not (isinstance(attempt.outcome, Retried) and planned.message.id == message.id):
                    _follow(app, planned.message)
        again = _next_try(app, attempt)
        if again is None:
            break
        message = again
    if effects.result is not None and _stores(app, task):
        app.result_backend.store([app.encode_result(effects.result)])
    return _result(app, attempt)


def _next_try(app: Any, attempt: Attempt) -> TaskMessage | None:
    outcome = attempt.outcome
    call = outcome.error.sig if isinstance(outcome, Retried) and isinstance(outcome.error, Retry) else None
    if call is None:
        return None
    options = {key: value for key, value in call.options.items() if key not in ("eta", "countdown")}
    return _plan(app, call.name, tuple(call.args), dict(call.kwargs), options).messages[0].message


def _follow(app: Any, message: TaskMessage) -> None:
    task = app.tasks.get(message.task)
    if task is None:
        raise NotRegistered(message.task)
    run_eagerly(app, task, message)


def _result(app: Any, attempt: Attempt) -> EagerResult[Any]:
    state, value, traceback = _ending(attempt)
    return EagerResult(attempt.message.id, value, state, traceback, name=attempt.message.task, children=attempt.request.children, app=app)


def _ending(attempt: Attempt) -> tuple[str, Any, str | None]:
    outcome = attempt.outcome
    if isinstance(outcome, Returned):
        return states.SUCCESS, outcome.value, None
    if isinstance(outcome, Raised):
        return states.FAILURE, outcome.error, outcome.traceback
    if isinstance(outcome, Retried):
        return states.RETRY, outcome.error, outcome.traceback
    if isinstance(outcome, Rejected):
        return states.REJECTED, outcome.reason, None
    return states.IGNORED if isinstance(outcome, Ignored) else states.PENDING, None, None


def _stores(app: Any, task: Any) -> bool:
    return bool(task.store_eager_result) and app.result_backend is not None


def _tools(app: Any, task: Any) -> Tools:
    def emit(effects: Effects) -> None:
        if effects.result is not None and _stores(app, task):
            app.result_backend.store([app.encode_result(effects.result)])

    return Tools(
        tasks=app.tasks, client=app, clock=app.time, log=Silence(), accept=None, hostname=hostname(), emit=emit,
        inherit_priority=app.conf.task_inherit_parent_priority,
    )  # fmt: skip
