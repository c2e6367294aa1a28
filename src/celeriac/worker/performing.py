"""One job, from beginning to what has to be written: what executors do with it in their own process."""

from __future__ import annotations

from collections.abc import Callable

from celeriac.engine.attempt import Tools, conclude_lost, conclude_lost_plain, failed_to_encode, run
from celeriac.engine.refusals import Gate
from celeriac.lib.signpost import reach
from celeriac.model.effects import Effects, Job, Writes
from celeriac.model.errors import EncodeError, OperationalError
from celeriac.model.outcome import Lost
from celeriac.worker.intake import untouched

Encode = Callable[[Effects], Writes]


def perform(job: Job, tools: Tools, encode: Encode) -> Writes:
    """Run a job here, or conclude it where an earlier process died with it."""
    effects = run(job, tools) if job.lost is None else conclude_lost(job, job.lost, tools)
    reach("task.ran")
    return encoded(job, effects, tools, encode)


def encoded(job: Job, effects: Effects, tools: Tools, encode: Encode) -> Writes:
    """Encode what a job has come to; when that cannot be done (or the store, which has to be told of a chord first, is away), the task has failed."""
    try:
        return encode(effects)
    except (EncodeError, OperationalError) as error:
        return encode(failed_to_encode(job, error, tools))


def timed_out(job: Job, limit: float, tools: Tools, encode: Encode) -> Writes:
    """Conclude a job that was ended by its hard time limit (seconds)."""
    lost = Lost(reason=f"Hard time limit ({limit:g}s) exceeded", kind="timeout", limit=limit)
    return encoded(job, conclude_lost(job, lost, tools), tools, encode)


def interrupted(job: Job, gate: Gate, encode: Encode, reason: str = "The worker was shut down cold") -> Writes:
    """Cold shutdown: what may run again goes back, what may not is recorded as lost."""
    if job.acked:
        return encode(conclude_lost_plain(job, Lost(reason=reason), gate))
    return untouched(job)


def named(job: Job) -> str:
    """Name a job for the log, as name[id]."""
    headers = job.delivery.envelope.headers
    return f"{headers.get('task')}[{headers.get('id')}]"
