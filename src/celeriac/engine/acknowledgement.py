"""What becomes of a message when its attempt has ended: ONE table."""

from __future__ import annotations

from enum import Enum

from celeriac.contracts.runnable import Runnable
from celeriac.engine.deaths import SPACE
from celeriac.lib.value import Value
from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Settlement, Verdict


class End(Enum):
    """How an attempt ended, as far as its message is concerned."""

    RETURNED = "returned"
    FAILED = "failed"
    TIMEOUT = "timeout"
    RETRIED = "retried"
    REPLACED = "replaced"
    IGNORED = "ignored"
    REJECTED = "rejected"
    PUT_BACK = "put back"
    LOST = "lost"
    EXHAUSTED = "lost as often as allowed"
    INTERRUPTED = "cut off by a cold shutdown"
    ABANDONED = "left behind by a worker that was killed"


class Policy(Enum):
    """What the task says of acknowledgement."""

    EARLY = "acks_late is off"
    LATE = "acks_late"
    LATE_KEEP = "acks_late, and this kind of end is not to be acknowledged"


_LATE = {
    End.RETURNED: Verdict.ACK,
    End.FAILED: Verdict.ACK,
    End.TIMEOUT: Verdict.ACK,
    End.RETRIED: Verdict.ACK,
    End.REPLACED: Verdict.ACK,
    End.IGNORED: Verdict.ACK,
    End.REJECTED: Verdict.REJECT,
    End.PUT_BACK: Verdict.REQUEUE,
    End.LOST: Verdict.ACK,
    # task_max_deliveries: what kills its process again and again is set aside.
    End.EXHAUSTED: Verdict.REJECT,
    End.INTERRUPTED: Verdict.REQUEUE,
    # Nobody is left who could settle it: the broker does, when the lease has run out.
    End.ABANDONED: Verdict.REQUEUE,
}

TABLE: dict[Policy, dict[End, Verdict]] = {
    # Rejecting a message that has been acknowledged is not possible.
    Policy.EARLY: dict.fromkeys(End, Verdict.ACK),
    Policy.LATE: _LATE,
    # acks_on_failure or acks_on_timeout off: kept among the dead letters.
    # reject_on_worker_lost, unless it is False: run again.
    Policy.LATE_KEEP: {**_LATE, End.FAILED: Verdict.REJECT, End.TIMEOUT: Verdict.REJECT, End.LOST: Verdict.REQUEUE},
}


class Rules(Value, frozen=True):
    """A task's own rules, with the defaults filled in."""

    late: bool
    on_failure: bool
    on_timeout: bool
    requeue_lost: bool
    """Run again after its process died; a retry that the task asks for instead comes first."""
    retry_lost: bool


def rules_of(task: Runnable) -> Rules:
    """Return the rules of a task; ``acks_on_failure_or_timeout`` counts where the newer two say nothing."""
    both = task.acks_on_failure_or_timeout is not False
    return Rules(
        late=bool(task.acks_late),
        on_failure=both if task.acks_on_failure is None else task.acks_on_failure,
        on_timeout=both if task.acks_on_timeout is None else task.acks_on_timeout,
        requeue_lost=task.reject_on_worker_lost is not False and not task.retry_on_worker_lost,
        retry_lost=bool(task.retry_on_worker_lost),
    )


def verdict(task: Runnable, end: End) -> Verdict:
    """Look up what becomes of the message."""
    rules = rules_of(task)
    if not rules.late:
        return TABLE[Policy.EARLY][end]
    keep = {End.FAILED: not rules.on_failure, End.TIMEOUT: not rules.on_timeout, End.LOST: rules.requeue_lost}
    return TABLE[Policy.LATE_KEEP if keep.get(end) else Policy.LATE][end]


def settle(delivery: Delivery, acked: bool, task: Runnable, end: End, reason: str = "") -> Settlement | None:
    """Return the settlement of a delivery, or None when its message has been acknowledged already."""
    if acked:
        return None
    if end is End.RETURNED:
        return Settlement(Verdict.ACK, delivery.tag, delivery.queue)
    found = verdict(task, end)
    return Settlement(found, delivery.tag, delivery.queue, reason=reason[:SPACE] if found is Verdict.REJECT else "")


def settle_job(job: Job, task: Runnable, end: End, reason: str = "") -> Settlement | None:
    """Return the settlement of a job's message, or None when it has been acknowledged and nobody remembers it."""
    return ended(job) if job.acked else settle(job.delivery, False, task, end, reason)


def aside(job: Job, reason: str) -> Settlement | None:
    """Return what sets a job's message aside, as far as that is still possible."""
    delivery = job.delivery
    return ended(job) if job.acked else Settlement(Verdict.REJECT, delivery.tag, delivery.queue, reason=reason)


def ended(job: Job) -> Settlement | None:
    """Return what says that an acknowledged job has ended, where its beginning is remembered."""
    return Settlement(Verdict.ACK, job.delivery.tag, job.delivery.queue) if job.begun else None
