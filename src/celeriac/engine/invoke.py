"""Running user code, and telling how it ended."""

from __future__ import annotations

import inspect
import os
from types import CoroutineType
from typing import Any

from celeriac.engine import retry
from celeriac.engine.current import Attempt
from celeriac.engine.exception_info import safe_repr, text_of
from celeriac.model import states
from celeriac.model.effects import Effects
from celeriac.model.errors import Ignore, Reject, ReplacedEagerly, Retry, SoftTimeLimitExceeded, WorkerLostError, WorkerShutdown, WorkerTerminate
from celeriac.model.outcome import Ignored, Lost, Outcome, Raised, Rejected, Retried, Returned


def call(attempt: Attempt) -> Outcome:
    """Run the task, a coroutine function too; every way in which it can end is an outcome."""
    tools = attempt.tools
    message = attempt.message
    try:
        try:
            tools.running = True
            value = _begin(attempt)(*message.args, **message.kwargs)
            if type(value) is CoroutineType:
                value = tools.run_coroutine(value)
        finally:
            # Inside the outer try: a soft limit that is raised at this very moment still counts as the task's end.
            tools.running = False
        return Returned(value)
    except BaseException as error:
        return ended_by(attempt, error)


class Fate:
    """What an executor has decided over a coroutine that it cancels; None while it may run on."""

    __slots__ = ("lost",)

    def __init__(self) -> None:
        self.lost: Lost | None = None


class Interrupted(BaseException):
    """A coroutine has come to the end that its ``Fate`` had decided: it is to be concluded as lost."""


async def acall(attempt: Attempt, fate: Fate) -> Outcome:
    """As ``call``, for an executor whose tasks share one event loop; raises ``Interrupted`` when it cancelled this one.

    A coroutine that returns all the same was faster than a cold shutdown, but not than its hard time limit.
    """
    message = attempt.message
    try:
        value = _begin(attempt)(*message.args, **message.kwargs)
        if inspect.isawaitable(value):
            value = await value
    except BaseException as error:
        if fate.lost is not None:
            raise Interrupted from error
        return ended_by(attempt, error)
    if fate.lost is not None and fate.lost.kind == "timeout":
        raise Interrupted
    return Returned(value)


def ended_by(attempt: Attempt, error: BaseException) -> Outcome:
    """Return the outcome of an attempt that an exception ended; what is not for tasks to end is raised again."""
    traceback = ""
    if isinstance(error, Exception) and retry.wants_retry(attempt.task, error):
        traceback = text_of(error)
        error = retry.automatic(attempt, error)
    if isinstance(error, Retry):
        return Retried(error=error, traceback=traceback or text_of(error), plan=attempt.plans[-1] if attempt.plans else None)
    if isinstance(error, Ignore):
        return Returned(error.value) if isinstance(error, ReplacedEagerly) else Ignored()
    if isinstance(error, Reject):
        return Rejected(reason="" if error.reason is None else str(error.reason), requeue=bool(error.requeue))
    if isinstance(error, (KeyboardInterrupt, GeneratorExit, WorkerShutdown, WorkerTerminate)):
        raise error
    if isinstance(error, SystemExit):
        # A caller that gets the result must not be ended by it.
        lost = WorkerLostError(f"The task ended with {safe_repr(error)}; return or raise an exception instead.")
        return Raised(error=lost.with_traceback(error.__traceback__), traceback=text_of(error))
    return Raised(error=error, traceback=traceback or text_of(error), kind="timeout" if isinstance(error, SoftTimeLimitExceeded) else "failure")


def _begin(attempt: Attempt) -> Any:
    """Do what comes before the task; return what to call."""
    task, message = attempt.task, attempt.message
    task.before_start(message.id, message.args, message.kwargs)
    if task.track_started and not attempt.ignored:
        meta = {"pid": os.getpid(), "hostname": attempt.request.hostname}
        attempt.tools.emit(Effects(result=attempt.meta(states.STARTED, meta)))
    return attempt.callee
