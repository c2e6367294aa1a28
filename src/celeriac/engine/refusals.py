"""Whether a delivered message is to be run. On the consumer's side: no user code, no arguments decoded; one function a reason."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from celeriac import signals
from celeriac.contracts.runnable import Runnable
from celeriac.engine import telling
from celeriac.engine.abandon import refused
from celeriac.engine.acknowledgement import ended
from celeriac.engine.current import stamp
from celeriac.engine.deaths import SPACE, Deaths, account
from celeriac.engine.hooks import TaskLog
from celeriac.engine.rate_limit import RateLimits, key_text
from celeriac.engine.revoked import Revoked
from celeriac.engine.time_limits import TimeLimits
from celeriac.lib.clock import Clock
from celeriac.lib.dispatch import Signal
from celeriac.model import states
from celeriac.model.effects import Effects, Ending, Job
from celeriac.model.envelope import Delivery, Settlement, Verdict
from celeriac.model.errors import ContentDisallowed, DecodeError, InvalidTaskError, NotRegistered, TaskRevokedError, WorkerLostError
from celeriac.model.event import Event
from celeriac.model.outcome import Lost
from celeriac.model.record import ResultMeta
from celeriac.model.request import Request
from celeriac.wire.task import TaskHead, decode_task, parse_time, peek

JSON = "application/json"
EARLY = 0.001
"""Seconds by which a message may be run before its eta: brokers' clocks and ours differ by more."""

_shape: msgspec.json.Decoder[tuple[msgspec.Raw, ...]] = msgspec.json.Decoder(tuple[msgspec.Raw, ...])

Announce = Callable[[Signal, Any, dict[str, Any]], None]


def announce_here(signal: Signal, sender: Any, named: dict[str, Any]) -> None:
    """Send a signal in this thread."""
    signal.send(sender=sender, **named)


class Sender(str):
    """The sender of signals about messages: the worker's node name, which receivers written for Celery ask for its ``hostname``."""

    __slots__ = ()

    @property
    def hostname(self) -> str:
        """The node name."""
        return str(self)


class Gate:
    """What refusals go by. ``max_deliveries`` bounds how often a message is handed out (None: any number).

    ``announce`` sends the signals of refused messages; a consumer that must not be held up by receivers gives one that defers.
    ``events`` says whether monitors are told what becomes of tasks; it may be changed at any time.
    """

    __slots__ = (
        "accept", "announce", "clock", "deaths", "events", "hostname", "log", "max_deliveries", "rates", "revoked",
        "sender", "tasks", "time_limits",
    )  # fmt: skip

    def __init__(
        self,
        *,
        tasks: Mapping[str, Runnable],
        clock: Clock,
        log: TaskLog,
        revoked: Revoked,
        accept: frozenset[str] | None,
        hostname: str,
        max_deliveries: int | None = None,
        announce: Announce = announce_here,
        rates: RateLimits | None = None,
    ) -> None:
        self.tasks = tasks
        self.clock = clock
        self.log = log
        self.revoked = revoked
        self.accept = accept
        self.hostname = hostname
        self.sender = Sender(hostname)
        self.max_deliveries = max_deliveries
        self.announce = announce
        self.rates = RateLimits() if rates is None else rates
        self.time_limits = TimeLimits()
        self.events = False
        self.deaths = Deaths()

    def runnable(self, job: Job) -> Runnable | None:
        """Return the task of an admitted job."""
        envelope = job.delivery.envelope
        name = envelope.headers.get("task")
        return self.tasks.get(name if name is not None else peek(envelope, self.accept).task)

    def late(self, job: Job) -> bool:
        """Whether a job's message is to be acknowledged after it has run."""
        task = self.runnable(job)
        return task is not None and bool(task.acks_late)


    def may_run_again(self, delivery: Delivery) -> bool:
        """Whether a message that may have begun elsewhere can be given to somebody once more: a late one, and one that says nothing."""
        try:
            head = peek(delivery.envelope, self.accept)
        except (InvalidTaskError, DecodeError):
            return True
        task = self.tasks.get(head.task)
        return task is not None and bool(task.acks_late)


def admit(delivery: Delivery, gate: Gate) -> Job | Effects:
    """Return a job to run, or what follows from refusing the message."""
    envelope = delivery.envelope
    try:
        head = peek(envelope, gate.accept)
        _check_body(delivery, gate)
        expires = None if head.expires is None else parse_time(head.expires)
        due = None if head.eta is None else parse_time(head.eta)
    except (InvalidTaskError, DecodeError) as error:
        return malformed(delivery, gate, error)
    task = gate.tasks.get(head.task)
    if task is None:
        return unknown(delivery, head, gate)
    now = gate.clock.now()
    if gate.max_deliveries is not None and delivery.deliveries > gate.max_deliveries:
        return too_often(delivery, head, task, gate)
    if gate.revoked and gate.revoked.covers(head.id, envelope.headers, now):
        return revoked(delivery, head, task, gate)
    if expires is not None and now >= expires:
        return expired(delivery, head, task, gate)
    if due is not None and due > now + EARLY:
        return not_due(delivery, due)
    if gate.rates.limited and (again := gate.rates.ask(head.task, head.id, now, _rate_key(delivery, head, task, gate))) is not None:
        return not_due(delivery, again)
    gate.log.received(head, due)
    if signals.task_received.connected:
        gate.announce(signals.task_received, gate.sender, {"request": _request(delivery, head, gate)})
    if gate.time_limits:
        delivery = gate.time_limits.apply(delivery, head)
    return Job(delivery, now, False, gate.hostname, None, gate.events and task.send_events)


def malformed(delivery: Delivery, gate: Gate, error: Exception) -> Effects:
    """The message cannot be understood: it is set aside with the reason, and its task, if it names one, has failed."""
    reason = str(error)
    gate.log.malformed(reason, delivery.envelope)
    if signals.task_rejected.connected:
        gate.announce(signals.task_rejected, gate.sender, {"message": delivery.envelope, "exc": error})
    task_id = delivery.envelope.headers.get("id")
    result = _final(task_id, states.FAILURE, error, gate) if isinstance(task_id, str) and task_id else None
    return Effects(_reject(delivery, reason), result, ending=Ending.REJECTED)


def unknown(delivery: Delivery, head: TaskHead, gate: Gate) -> Effects:
    """Nobody registered that task here: the message is set aside, to be put back when somebody has."""
    gate.log.unknown(head.task, head.id, delivery.envelope)
    error = NotRegistered(head.task)
    if signals.task_unknown.connected:
        named = {"message": delivery.envelope, "exc": error, "name": head.task, "id": head.id}
        gate.announce(signals.task_unknown, gate.sender, named)
    reason = f"The task {head.task!r} is not registered in this worker."
    share, more = refused(delivery, states.FAILURE, error, gate.accept, gate.clock.now())
    result = None if head.ignore_result else _final(head.id, states.FAILURE, error, gate, head)
    return Effects(_reject(delivery, reason), result, chord=share, events=_failed(head, None, error, gate), more=more, ending=Ending.REJECTED)


def too_often(delivery: Delivery, head: TaskHead, task: Runnable, gate: Gate) -> Effects:
    """The message has been handed out again and again, each time to a worker that died: it is set aside."""
    reason = f"Delivered {delivery.deliveries} times, more often than {gate.max_deliveries}, without ever coming to an end."
    gate.log.rejected(head.task, head.id, reason, False)
    error = WorkerLostError(reason)
    result = _final(head.id, states.FAILURE, error, gate, head) if _stores(head, task) else None
    share, more = refused(delivery, states.FAILURE, error, gate.accept, gate.clock.now())
    told = f"{reason}\n{account(delivery.deaths or gate.deaths.of(head.id))}".rstrip()
    return Effects(_reject(delivery, told), result, chord=share, events=_failed(head, task, error, gate), more=more, ending=Ending.FAILED)


def revoked(delivery: Delivery, head: TaskHead, task: Runnable, gate: Gate) -> Effects:
    """The task was revoked before it ran."""
    return _not_run(delivery, head, task, gate, "revoked")


def expired(delivery: Delivery, head: TaskHead, task: Runnable, gate: Gate) -> Effects:
    """The message came too late."""
    return _not_run(delivery, head, task, gate, "expired")


def not_due(delivery: Delivery, due: float) -> Effects:
    """The message came too early: the broker is to hold it, as if it had not been delivered."""
    return Effects(Settlement(Verdict.POSTPONE, delivery.tag, delivery.queue, until=due, untouched=True))


def revoked_since(job: Job, gate: Gate) -> Effects | None:
    """Return what follows when a job that waits for its turn was revoked after it had been admitted, None when it was not."""
    envelope = job.delivery.envelope
    if job.lost is not None or not gate.revoked.covers(envelope.headers.get("id", ""), envelope.headers, gate.clock.now()):
        return None
    task = gate.runnable(job)
    return None if task is None else _unacknowledged(job, revoked(job.delivery, peek(envelope, gate.accept), task, gate))


def terminated(job: Job, lost: Lost, gate: Gate) -> Effects:
    """The task was ended by remote control while it ran: nobody runs it again."""
    envelope = job.delivery.envelope
    task = gate.runnable(job)
    if task is None:
        return Effects()
    return _unacknowledged(job, _not_run(job.delivery, peek(envelope, gate.accept), task, gate, "terminated", lost.signal))


def _unacknowledged(job: Job, effects: Effects) -> Effects:
    return effects.replace(settlement=ended(job)) if job.acked else effects


def _not_run(delivery: Delivery, head: TaskHead, task: Runnable, gate: Gate, reason: str, signum: int | None = None) -> Effects:
    gate.log.revoked(head.task, head.id, reason)
    how: dict[str, Any] = {"terminated": reason == "terminated", "signum": signum, "expired": reason == "expired"}
    if signals.task_revoked.connected:
        named = {"request": _request(delivery, head, gate), **how}
        gate.announce(signals.task_revoked, task, named)
    error = TaskRevokedError(reason)
    result = _final(head.id, states.REVOKED, error, gate, head) if _stores(head, task) else None
    share, more = refused(delivery, states.REVOKED, error, gate.accept, gate.clock.now())
    events = telling.not_run(head.id, gate.clock.now(), **how) if telling.wanted(gate.events, task) else ()
    return Effects(Settlement(Verdict.ACK, delivery.tag, delivery.queue), result, chord=share, events=events, more=more, ending=Ending.REVOKED)


def _failed(head: TaskHead, task: Runnable | None, error: Exception, gate: Gate) -> tuple[Event, ...]:
    return telling.lost(head.id, error, gate.clock.now()) if telling.wanted(gate.events, task) else ()


def _rate_key(delivery: Delivery, head: TaskHead, task: Runnable, gate: Gate) -> str | None:
    """Return the key under which a call's start is counted, None when the task has no such key."""
    key = gate.rates.key_of(head.task)
    if key is None:
        return None
    message = decode_task(delivery.envelope, gate.accept)
    try:
        bound = {} if callable(key) else inspect.signature(task.run).bind(*message.args, **message.kwargs).arguments
        return key_text(key, bound, message.args, message.kwargs)
    except Exception as error:
        # Arguments that do not fit fail the task when it runs; until then it is limited with others of that kind.
        return f"?{type(error).__name__}"


def _check_body(delivery: Delivery, gate: Gate) -> None:
    """Find out now whether the body can be read at all: later, an early acknowledged message could no longer be set aside."""
    envelope = delivery.envelope
    kind = envelope.content_type
    if gate.accept is not None and kind not in gate.accept:
        raise ContentDisallowed(
            f"Its content type {kind!r} is not accepted here; the setting accept_content allows {', '.join(sorted(gate.accept))}."
        )
    if kind == JSON and "task" in envelope.headers and "compression" not in envelope.headers:
        try:
            parts = _shape.decode(envelope.body)
            if 2 <= len(parts) <= 3 and bytes(parts[0])[:1] in b"[n" and bytes(parts[1])[:1] in b"{n":
                return
        except msgspec.DecodeError:
            pass
    decode_task(envelope, gate.accept)


def _stores(head: TaskHead, task: Runnable) -> bool:
    return not (head.ignore_result or task.ignore_result) or bool(task.store_errors_even_if_ignored)


def _final(task_id: str, state: str, error: Exception, gate: Gate, head: TaskHead | None = None) -> ResultMeta:
    return ResultMeta(
        id=task_id,
        state=state,
        result=error,
        children=[],
        date_done=stamp(gate.clock.now()),
        group_id=head.group if head else None,
        parent_id=head.parent_id if head else None,
        reply_to=head.reply_to if head else None,
    )


def _reject(delivery: Delivery, reason: str) -> Settlement:
    return Settlement(Verdict.REJECT, delivery.tag, delivery.queue, reason=reason[:SPACE])


def _request(delivery: Delivery, head: TaskHead, gate: Gate) -> Request:
    fields = {name: getattr(head, name) for name in head.__struct_fields__}
    info = {"exchange": delivery.exchange, "routing_key": delivery.routing_key or delivery.queue, "priority": delivery.priority}
    more = {"name": head.task, "task_id": head.id, "hostname": gate.hostname, "called_directly": False}
    return Request({**delivery.envelope.headers, **fields, **more, "delivery_info": {**info, "redelivered": delivery.redelivered}})
