"""From how an attempt ended to everything that follows from it."""

from __future__ import annotations

from contextvars import copy_context
from typing import Any

from celeriac import signals
from celeriac.engine import abandon, follow_ups, shares, telling
from celeriac.engine.acknowledgement import End, settle_job
from celeriac.engine.current import Attempt, enter
from celeriac.engine.exception_info import ExceptionInfo, text_of
from celeriac.engine.handlers import handle, report, while_handled
from celeriac.model import states
from celeriac.model.effects import Effects, Ending
from celeriac.model.envelope import Settlement
from celeriac.model.errors import Ignore, Reject, Retry
from celeriac.model.outcome import Ignored, Outcome, Raised, Rejected, Replaced, Retried, Returned
from celeriac.model.record import ResultMeta
from celeriac.results.tree import ResultBase


def conclude(attempt: Attempt, outcome: Outcome, runtime: float) -> Effects:
    """Return the effects of an outcome, after handlers, signals and the log have been told; ``runtime`` in seconds."""
    if attempt.job is None:
        # Only for eager runs, whose caller wants to know: kept on every attempt it would tie exceptions, frames and attempt into a cycle.
        attempt.outcome = outcome
    if isinstance(outcome, Returned):
        return returned(attempt, outcome.value, runtime)
    if isinstance(outcome, Raised):
        return raised(attempt, outcome, runtime)
    if isinstance(outcome, Retried):
        return retried(attempt, outcome)
    if isinstance(outcome, Rejected):
        return rejected(attempt, outcome)
    if isinstance(outcome, Replaced):
        attempt.plans.append(outcome.plan)
        return ignored(attempt, End.REPLACED)
    assert isinstance(outcome, Ignored)
    return ignored(attempt, End.IGNORED)


def returned(attempt: Attempt, value: Any, runtime: float) -> Effects:
    """The task returned a value."""
    message, task, tools = attempt.message, attempt.task, attempt.tools
    # Of a result that a task returns its ids are kept, by which the caller finds it again (AsyncResult.collect, result_from_tuple).
    kept = value.as_tuple() if isinstance(value, ResultBase) else value
    if message.callbacks or message.chain:
        try:
            follow_ups.after_success(attempt, kept)
        except Exception as error:
            # A callback that cannot be made into a message: nobody will hear of the value, so the task has failed.
            attempt.plans.clear()
            return raised(attempt, Raised(error=error, traceback=text_of(error)), runtime)
    result = None if attempt.ignored else attempt.meta(states.SUCCESS, kept, done=True)
    try:
        task.on_success(value, message.id, message.args, message.kwargs)
    except Exception as error:
        report(attempt, "on_success", error)
    if signals.task_success.connected:
        signals.task_success.send(sender=task, result=value, runtime=runtime)
    tools.log.succeeded(message.shadow or message.task, message.id, runtime, value)
    try:
        task.after_return(states.SUCCESS, value, message.id, message.args, message.kwargs, None)
    except Exception as error:
        report(attempt, "after_return", error)
    if signals.task_postrun.connected:
        _postrun(attempt, value, states.SUCCESS)
    share = attempt.share if message.chord is None else shares.own(attempt, states.SUCCESS, kept)
    events = telling.succeeded(attempt, value, runtime)
    plans, more = tuple(attempt.plans), tuple(attempt.more)
    return Effects(_settlement(attempt, End.RETURNED), result, plans, share, events, more, Ending.SUCCEEDED, attempt.context, attempt.once)


def raised(attempt: Attempt, outcome: Raised, runtime: float, end: End | None = None) -> Effects:
    """The task raised, or counts as if it had; ``end`` is given when it did not run to its end here, and then there is no task_postrun."""
    message, error = attempt.message, outcome.error
    result = _error_meta(attempt, states.FAILURE, error, outcome.traceback)
    follow_ups.after_failure(attempt, error, outcome.traceback)
    info = ExceptionInfo(error, outcome.traceback)
    while_handled(error, lambda: _failed(attempt, error, info))
    expected = isinstance(error, tuple(attempt.task.throws or ()))
    attempt.tools.log.failed(message.shadow or message.task, message.id, error, outcome.traceback, runtime, expected)
    handle(attempt, "after_return", states.FAILURE, error, message.id, message.args, message.kwargs, info)
    if end is None:
        _postrun(attempt, error, states.FAILURE)
        end = End.TIMEOUT if outcome.kind == "timeout" else End.FAILED
    share = shares.failed(attempt, states.FAILURE, error)
    reason = f"{type(error).__name__} in {message.task}"
    if outcome.account:
        reason = f"{reason}: {error}\n{outcome.account}"
    events = telling.failed(attempt, error, outcome.traceback)
    plans, more = tuple(attempt.plans), tuple(attempt.more)
    return Effects(_settlement(attempt, end, reason), result, plans, share, events, more, Ending.FAILED, attempt.context, attempt.once)


def retried(attempt: Attempt, outcome: Retried, *, here: bool = True) -> Effects:
    """The task asked for another try; ``here`` is false when it did not run in this process."""
    message, reason = attempt.message, outcome.error
    # The error in the task, and None when it gave none, is what Celery stores and hands to on_retry.
    cause: Any = reason.exc if isinstance(reason, Retry) else reason
    result = _error_meta(attempt, states.RETRY, reason if cause is None else cause, outcome.traceback)
    info = ExceptionInfo(reason, outcome.traceback)
    handle(attempt, "on_retry", cause, message.id, message.args, message.kwargs, info)
    if signals.task_retry.connected:
        signals.task_retry.send(sender=attempt.task, request=attempt.request, reason=reason, einfo=info)
    attempt.tools.log.retried(message.shadow or message.task, message.id, reason, outcome.traceback)
    if here:
        _postrun(attempt, reason, states.RETRY)
    events = telling.retried(attempt, reason if cause is None else cause, outcome.traceback)
    return Effects(_settlement(attempt, End.RETRIED), result, tuple(attempt.plans), events=events, ending=Ending.RETRIED, context=attempt.context)


def rejected(attempt: Attempt, outcome: Rejected) -> Effects:
    """The task rejected its message: for good (then its state is FAILURE), or to have it run again."""
    message = attempt.message
    error = Reject(outcome.reason, outcome.requeue)
    attempt.tools.log.rejected(message.shadow or message.task, message.id, outcome.reason, outcome.requeue)
    _postrun(attempt, error, states.REJECTED)
    if outcome.requeue and attempt.job is not None and not attempt.job.acked and attempt.task.acks_late:
        again = telling.rejected(attempt, True)
        return Effects(_settlement(attempt, End.PUT_BACK), None, tuple(attempt.plans), events=again, ending=Ending.REJECTED, context=attempt.context)
    _tell_failure(attempt, error, ExceptionInfo(error))
    result = _error_meta(attempt, states.FAILURE, error, None)
    abandon.rest(attempt, attempt.request.chain or (), error, "")
    share = shares.failed(attempt, states.FAILURE, error)
    settlement = _settlement(attempt, End.REJECTED, outcome.reason or "rejected by the task")
    events, plans, more = telling.rejected(attempt, False), tuple(attempt.plans), tuple(attempt.more)
    return Effects(settlement, result, plans, share, events, more, Ending.REJECTED, attempt.context)


def ignored(attempt: Attempt, end: End) -> Effects:
    """The task wants no state to be stored."""
    attempt.tools.log.ignored(attempt.message.task, attempt.message.id)
    _postrun(attempt, Ignore(), states.IGNORED)
    # A part that wants no state still is done: the chord does not wait for it.
    share = None if attempt.replaced else shares.ignored(attempt)
    return Effects(_settlement(attempt, end), None, tuple(attempt.plans), share, ending=Ending.IGNORED, context=attempt.context)


def _error_meta(attempt: Attempt, state: str, error: BaseException, traceback: str | None) -> ResultMeta | None:
    if attempt.ignored and not attempt.task.store_errors_even_if_ignored:
        return None
    return attempt.meta(state, error, traceback, done=True)


def _failed(attempt: Attempt, error: BaseException, info: ExceptionInfo) -> None:
    message = attempt.message
    handle(attempt, "on_failure", error, message.id, message.args, message.kwargs, info)
    _tell_failure(attempt, error, info)


def _tell_failure(attempt: Attempt, error: BaseException, info: ExceptionInfo) -> None:
    if signals.task_failure.connected:
        message = attempt.message
        signals.task_failure.send(
            sender=attempt.task,
            task_id=message.id,
            exception=error,
            args=message.args,
            kwargs=message.kwargs,
            traceback=info.tb or info.traceback,
            einfo=info,
        )


def _postrun(attempt: Attempt, value: Any, state: str) -> None:
    if signals.task_postrun.connected:
        if attempt.plans and signals.before_task_publish.connected:
            # What a receiver of task_prerun has put there (a span), and one of task_postrun takes away, belongs to the messages too.
            attempt.context = copy_context()
            # Or it would hold the attempt, which holds it; and the attempt is over then.
            attempt.context.run(enter, None)
        message, task = attempt.message, attempt.task
        signals.task_postrun.send(sender=task, task_id=message.id, task=task, args=message.args, kwargs=message.kwargs, retval=value, state=state)


def _settlement(attempt: Attempt, end: End, reason: str = "") -> Settlement | None:
    job = attempt.job
    return None if job is None else settle_job(job, attempt.task, end, reason)
