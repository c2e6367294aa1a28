"""One attempt: a job in, its effects out."""

from __future__ import annotations

from celeriac import signals
from celeriac.contracts.runnable import Runnable
from celeriac.engine import abandon, retry, telling, tracing
from celeriac.engine.acknowledgement import End, aside, rules_of, settle_job
from celeriac.engine.conclude import conclude, raised, retried
from celeriac.engine.current import Attempt, Tools, enter, leave, stamp
from celeriac.engine.deaths import account
from celeriac.engine.exception_info import ExceptionInfo, text_of
from celeriac.engine.invoke import Fate, acall, call
from celeriac.engine.prepare import prepare, prepare_eager
from celeriac.engine.refusals import Gate
from celeriac.model import states
from celeriac.model.effects import Effects, Ending, Job
from celeriac.model.envelope import Settlement
from celeriac.model.errors import DecodeError, InvalidTaskError, NotRegistered, TimeLimitExceeded, WorkerLostError
from celeriac.model.outcome import Lost, Raised, Retried
from celeriac.model.record import ResultMeta
from celeriac.wire.task import decode_task, peek

__all__ = [
    "Attempt", "Tools", "arun", "conclude_lost", "conclude_lost_plain", "execute", "failed_to_encode", "prepare_eager", "run",
]  # fmt: skip


def run(job: Job, tools: Tools) -> Effects:
    """Run a job and return what follows from it."""
    begun = tools.clock.monotonic()
    try:
        message = decode_task(job.delivery.envelope, tools.accept)
        task = tools.tasks[message.task]
    except (InvalidTaskError, DecodeError, KeyError) as error:
        return unreadable(job, error, tools)
    return execute(prepare(job, task, message, tools), begun)


def execute(attempt: Attempt, begun: float | None = None) -> Effects:
    """Run a prepared attempt, delivered or eager, and return what follows from it; the ``outcome`` of an eager one then says how it ended."""
    task, request = attempt.task, attempt.request
    token = enter(attempt)
    task.push_request(request)
    try:
        attempt.begun = attempt.tools.clock.monotonic() if begun is None else begun
        return _live(attempt) if tracing.home is None else tracing.around(attempt, _live)
    finally:
        task.pop_request()
        leave(token)


def _live(attempt: Attempt) -> Effects:
    if signals.task_prerun.connected:
        _prerun(attempt)
    # Not kept in a variable: an exception's frames lead back here, and a failed attempt would wait for the garbage collector.
    return conclude(attempt, call(attempt), attempt.tools.clock.monotonic() - attempt.begun)


async def arun(job: Job, tools: Tools, fate: Fate | None = None) -> Effects:
    """As ``run``, for an executor whose tasks share one event loop; each runs in a context of its own. ``fate`` tells why it was cancelled."""
    try:
        message = decode_task(job.delivery.envelope, tools.accept)
        task = tools.tasks[message.task]
    except (InvalidTaskError, DecodeError, KeyError) as error:
        return unreadable(job, error, tools)
    attempt = prepare(job, task, message, tools)
    token = enter(attempt)
    task.push_request(attempt.request)
    try:
        attempt.begun = tools.clock.monotonic()
        if signals.task_prerun.connected:
            _prerun(attempt)
        return conclude(attempt, await acall(attempt, fate or Fate()), tools.clock.monotonic() - attempt.begun)
    finally:
        task.pop_request()
        leave(token)


def conclude_lost(job: Job, lost: Lost, tools: Tools) -> Effects:
    """Conclude a job whose process died: handlers, signals and errbacks run here, in another task process."""
    try:
        message = decode_task(job.delivery.envelope, tools.accept)
        task = tools.tasks[message.task]
    except (InvalidTaskError, DecodeError) as error:
        return unreadable(job, error, tools)
    except KeyError:
        # Begun by a worker that knew it and has died: that, not the name, is why it failed.
        return unreadable(job, WorkerLostError(lost.reason), tools)
    if _runs_again(job, lost, task, tools):
        tools.log.lost(message.task, message.id, lost.reason)
        return Effects(_put_back(job, lost, task))
    attempt = prepare(job, task, message, tools)
    runtime = max(0.0, tools.clock.now() - job.received)
    token = enter(attempt)
    task.push_request(attempt.request)
    try:
        cause = _error_of(lost, task)
        outcome = Raised(cause, text_of(cause), lost.kind, account(lost.attempts, lost.log))
        if lost.kind != "timeout" and rules_of(task).retry_lost:
            again = _retry_lost(attempt, cause)
            if isinstance(again, Retried):
                return retried(attempt, again, here=False)
            outcome = again
        return raised(attempt, outcome, runtime, _end_of(job, lost, task))
    finally:
        task.pop_request()
        leave(token)


def conclude_lost_plain(job: Job, lost: Lost, place: Gate | Tools) -> Effects:
    """As ``conclude_lost`` without any user code: for the consumer, and for a job whose conclusion has failed as well.

    A message that cannot even be concluded is set aside: whoever calls this must not die of it, or would with every new beginning.
    """
    try:
        return _conclude_lost_plain(job, lost, place)
    except Exception as error:
        reason = f"{lost.reason}; this could not be concluded: {error!r}"[:1000]
        place.log.malformed(reason, job.delivery.envelope)
        return Effects(aside(job, reason), ending=Ending.FAILED)


def _conclude_lost_plain(job: Job, lost: Lost, place: Gate | Tools) -> Effects:
    envelope = job.delivery.envelope
    head = peek(envelope, place.accept)
    task = place.tasks.get(head.task)
    place.log.lost(head.task, head.id, lost.reason)
    if task is None:
        return Effects(aside(job, lost.reason[:1000]), ending=Ending.FAILED)
    if _runs_again(job, lost, task, place):
        return Effects(_put_back(job, lost, task))
    end = _end_of(job, lost, task)
    reason = f"{lost.reason}\n{account(lost.attempts, lost.log)}"
    error = _error_of(lost, task)
    share, more = abandon.refused(job.delivery, states.FAILURE, error, place.accept, place.clock.now())
    events = telling.lost(head.id, error, place.clock.now()) if job.watched else ()
    if (head.ignore_result or task.ignore_result) and not task.store_errors_even_if_ignored:
        return Effects(_settlement(job, task, end, reason), chord=share, events=events, more=more, ending=Ending.FAILED)
    done = stamp(place.clock.now())
    result = ResultMeta(head.id, states.FAILURE, error, text_of(error), [], done, head.group, head.parent_id, reply_to=head.reply_to)
    return Effects(_settlement(job, task, end, reason), result, chord=share, events=events, more=more, ending=Ending.FAILED)


def failed_to_encode(job: Job, error: Exception, tools: Tools) -> Effects:
    """What follows when the effects of a job that has run cannot be encoded: the task has failed."""
    message = decode_task(job.delivery.envelope, tools.accept)
    task = tools.tasks[message.task]
    attempt = prepare(job, task, message, tools)
    token = enter(attempt)
    task.push_request(attempt.request)
    try:
        return raised(attempt, Raised(error, text_of(error)), max(0.0, tools.clock.now() - job.received), End.FAILED)
    finally:
        task.pop_request()
        leave(token)


def unreadable(job: Job, error: Exception, tools: Tools) -> Effects:
    """The message was admitted and yet cannot be run here: set aside if that is still possible, and failed."""
    delivery = job.delivery
    if isinstance(error, KeyError):
        error = NotRegistered(*error.args)
    reason = str(error)
    tools.log.malformed(reason, delivery.envelope)
    settlement = aside(job, reason[:1000])
    task_id = delivery.envelope.headers.get("id")
    if not isinstance(task_id, str):
        return Effects(settlement, ending=Ending.FAILED)
    done = stamp(tools.clock.now())
    share, more = abandon.refused(delivery, states.FAILURE, error, tools.accept, tools.clock.now())
    reply_to = delivery.envelope.properties.get("reply_to")
    result = ResultMeta(task_id, states.FAILURE, error, ExceptionInfo(error).traceback, [], done, reply_to=reply_to)
    return Effects(settlement, result, chord=share, more=more, ending=Ending.FAILED)


def _runs_again(job: Job, lost: Lost, task: Runnable, place: Gate | Tools) -> bool:
    """Whether the message goes back to its queue: only one that is not acknowledged can, and not more often than allowed."""
    most = place.max_deliveries
    return _may_run_again(job, lost, task) and (most is None or job.delivery.deliveries < most)


def _may_run_again(job: Job, lost: Lost, task: Runnable) -> bool:
    rules = rules_of(task)
    return lost.kind != "timeout" and not job.acked and rules.late and rules.requeue_lost


def _end_of(job: Job, lost: Lost, task: Runnable) -> End:
    """Say what a loss that is final was."""
    if lost.kind == "timeout":
        return End.TIMEOUT
    return End.EXHAUSTED if _may_run_again(job, lost, task) else End.LOST


def _retry_lost(attempt: Attempt, error: BaseException) -> Retried | Raised:
    text = text_of(error)
    try:
        reason = retry.again(attempt, error=error)
    except Exception as final:
        return Raised(final, text if final is error else text_of(final), "lost")
    return Retried(reason, text, attempt.plans[-1] if attempt.plans else None)


def _error_of(lost: Lost, task: Runnable) -> BaseException:
    if lost.kind == "timeout":
        return TimeLimitExceeded(_plain(lost.limit if lost.limit is not None else task.time_limit))
    return WorkerLostError(lost.reason)


def _plain(seconds: float | None) -> float | None:
    return int(seconds) if seconds is not None and seconds == int(seconds) else seconds


def _settlement(job: Job, task: Runnable, end: End, reason: str = "") -> Settlement | None:
    return settle_job(job, task, end, reason)


def _put_back(job: Job, lost: Lost, task: Runnable) -> Settlement | None:
    settlement = _settlement(job, task, End.LOST)
    return settlement and settlement.replace(deaths=lost.attempts)


def _prerun(attempt: Attempt) -> None:
    message, task = attempt.message, attempt.task
    signals.task_prerun.send(sender=task, task_id=message.id, task=task, args=message.args, kwargs=message.kwargs)
