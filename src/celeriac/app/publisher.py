"""From plans and effects to bytes: routes, encodes, and sends with the publish retry policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from celeriac import signals
from celeriac.app.chords import encode_share
from celeriac.app.parcel import Parcel
from celeriac.app.routing import PLAIN, Destination, Router
from celeriac.contracts.backend import AnnouncesChords, StoresGroups
from celeriac.lib import deadline
from celeriac.lib.backoff import linear
from celeriac.lib.ids import made_at
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import censor
from celeriac.model.effects import Effects, Writes
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import EncodeError, ImproperlyConfigured, OperationalError
from celeriac.model.options import SendOptions
from celeriac.model.plan import Plan, PlannedMessage
from celeriac.model.record import ResultMeta, ResultRecord
from celeriac.model.states import EXCEPTION_STATES
from celeriac.model.steps import Steps
from celeriac.model.task_message import TaskMessage
from celeriac.wire.results import encode_result
from celeriac.wire.task import SENT, encode_task

NO_PROPERTIES: dict[str, Any] = {}
NO_OUTBOX = "transactional=True needs Django's transactions: set DJANGO_SETTINGS_MODULE before the application is made, or send it without"
WORKFLOW = "WORKFLOW"
"""The state of a record that holds no result but a part of a workflow."""
KEPT = 7 * 86_400.0
_FRESH, _ROUNDING = 1.0, 0.001
"""Seconds: an id that was made within the first tells when its message was sent."""


class Publisher:
    """Owns the routes and encodings of an application; reads its settings once."""

    def __init__(self, app: Any, router: Router) -> None:
        conf = app.conf
        self._app = app
        self.router = router
        self._protocol: int = conf.task_protocol
        self._serializer: str = conf.task_serializer
        self._compression: str | None = conf.task_compression
        self._retry: bool = conf.task_publish_retry
        self._policy: dict[str, Any] = dict(conf.task_publish_retry_policy or {})
        self._timeout: float = conf.broker_publish_timeout
        self._delivery_mode = _delivery_mode(conf.task_default_delivery_mode)
        self._result_serializer: str = conf.result_serializer
        self._result_compression: str | None = conf.result_compression
        self._expires = conf.seconds("result_expires")
        failure = conf.seconds("result_failure_expires")
        self._failure_expires = self._expires if failure is None else failure
        self._chord_expires = conf.seconds("result_chord_expires") or self._expires
        self._extended: bool = conf.result_extended
        self._sent_events: Any = symbol_by_name("celeriac.app.sent_events:SentEvents")(app) if conf.task_send_sent_event else None
        self._replies = (app.backend_url or "").partition(":")[0] == "rpc"

    # -- encoding

    def encode(self, effects: Effects) -> Writes:
        """Return effects as drivers take them; raises EncodeError when a result or follow-up cannot be written."""
        records: tuple[ResultRecord, ...] = (self.encode_result(effects.result),) if effects.result is not None else ()
        if effects.more:
            records += tuple(self.encode_result(meta) for meta in effects.more)
        publish: list[Outgoing] = []
        events = effects.events
        for plan in effects.plans:
            if plan.kept:
                records += self._kept(plan)
            if plan.chords or plan.groups:
                self._patiently(partial(self._tell, plan), "A chord could not be made known to the result store")
            encoded = self._follow_up(plan) if effects.context is None else effects.context.run(self._follow_up, plan)
            publish += encoded
            if self._sent_events is not None:
                events += self._sent_events.of(plan, encoded)
        part = None if effects.chord is None else encode_share(effects.chord, self._result_serializer, self._serializer, self._chord_expires)
        return Writes(effects.settlement, records, tuple(publish), part, events, effects.ending, effects.once)

    def _follow_up(self, plan: Plan) -> list[Outgoing]:
        try:
            encoded = self.encode_plan(plan)
        except ImproperlyConfigured as error:
            # An unknown serializer, say: what one task asks for must not end the worker.
            raise EncodeError(f"A follow-up cannot be written: {error}") from error
        _say_when(encoded)
        # The consumer, which sends them, runs no user code: their receivers are told here, a moment early.
        self._tell_receivers(plan, encoded)
        return encoded

    def encode_result(self, meta: ResultMeta) -> ResultRecord:
        """Return a task-meta as the store keeps it, with the settings' serializer and expiry."""
        if meta.extended and not self._extended:
            meta = meta.replace(extended={})
        ttl = self._failure_expires if meta.state in EXCEPTION_STATES else self._expires
        return encode_result(meta, serializer=self._result_serializer, compression=self._result_compression, ttl=ttl or None)

    def _kept(self, plan: Plan) -> tuple[ResultRecord, ...]:
        """Return parts of a workflow as the store keeps them: beside the results, for as long as a result and a week at least."""
        ttl = None if not self._expires else max(self._expires, KEPT)
        metas = [ResultMeta(part.id, WORKFLOW, part.body) for part in plan.kept]
        return tuple(encode_result(meta, serializer=self._serializer, ttl=ttl) for meta in metas)

    def encode_plan(self, plan: Plan) -> list[Outgoing]:
        """Return the messages of a plan, routed and encoded; the publish signals' receivers have seen them."""
        if signals.before_task_publish.connected or signals.after_task_publish.connected or signals.task_sent.connected:
            return [self._announced(planned) for planned in plan.messages]
        return [self._outgoing(planned) for planned in plan.messages]

    def _outgoing(self, planned: PlannedMessage) -> Outgoing:
        message, options = planned.message, planned.options
        where = self._where(message, options)
        envelope = self._envelope(message, where.options, where)
        return Outgoing(envelope, where.routing_key, where.exchange, where.priority, options.due)

    def _where(self, message: TaskMessage, options: SendOptions) -> Destination:
        if options is not PLAIN and options == PLAIN:
            options = PLAIN
        return self.router.route(options, message.task, message.args, message.kwargs, self._app.tasks.get(message.task))

    def _envelope(self, message: TaskMessage, options: SendOptions, where: Destination) -> Envelope:
        return encode_task(
            message,
            protocol=self._protocol,
            serializer=options.serializer or self._serializer,
            compression=options.compression or self._compression,
            properties=self._properties(options, where, message),
        )

    def _properties(self, options: SendOptions, where: Destination, message: TaskMessage) -> dict[str, Any]:
        mode = options.delivery_mode
        properties: dict[str, Any] = {"delivery_mode": self._delivery_mode if mode is None else _delivery_mode(mode)}
        if where.priority:
            properties["priority"] = where.priority
        if options.expiration is not None:
            properties["expiration"] = options.expiration
        if self._replies and not message.reply_to and not message.ignore_result:
            properties["reply_to"] = self._app.thread_oid
        if self._replies and (message.reply_to or self._app.thread_oid) == self._app.thread_oid:
            # The queue for results has to be there before the first of them is sent.
            _ = self._app.result_backend
        if options.properties:
            properties.update(options.properties)
        return properties

    # -- signals: only when somebody listens

    def _announced(self, planned: PlannedMessage) -> Outgoing:
        message, options = planned.message, planned.options
        if isinstance(message.chain, Steps):
            message = message.replace(chain=list(message.chain))
        where = self._where(message, options)
        envelope = self._envelope(message, where.options, where)
        body = _body_of(message)
        headers, properties = envelope.headers, dict(envelope.properties)
        signals.before_task_publish.send(
            sender=message.task, body=body, exchange=where.exchange, routing_key=where.routing_key, headers=headers,
            properties=properties, declare=[where.queue] if where.queue is not None else [], retry_policy=self._policy,
        )  # fmt: skip
        # Receivers may change arguments in place; what they did to headers and properties is in the dicts that are sent.
        changed = self._envelope(message, where.options, where)
        envelope = changed.replace(headers=headers, properties=properties)
        priority = properties.get("priority", where.priority)
        return Outgoing(envelope, where.routing_key, where.exchange, int(priority or 0), options.due)

    def announce_sent(self, plan: Plan, outgoing: Sequence[Outgoing]) -> None:
        """Tell the receivers of ``after_task_publish`` and ``task_sent``, and monitors that want to know."""
        self._tell_receivers(plan, outgoing)
        if self._sent_events is not None:
            self._sent_events.send(plan, outgoing)

    def _tell_receivers(self, plan: Plan, outgoing: Sequence[Outgoing]) -> None:
        if not (signals.after_task_publish.connected or signals.task_sent.connected):
            return
        for planned, sent in zip(plan.messages, outgoing):
            message = planned.message
            body = _body_of(message)
            signals.after_task_publish.send(
                sender=message.task, body=body, headers=sent.envelope.headers, exchange=sent.exchange, routing_key=sent.routing_key
            )
            signals.task_sent.send(
                sender=message.task, task_id=message.id, task=message.task, args=message.args, kwargs=message.kwargs,
                eta=message.eta, taskset=message.group,
            )  # fmt: skip

    # -- sending

    def send(self, plan: Plan) -> None:
        """Send a plan; on return the broker has it. Raises OperationalError when it could not be reached in time, EncodeError."""
        self.send_encoded(plan, self.encode_plan(plan))

    def send_encoded(self, plan: Plan, outgoing: Sequence[Outgoing]) -> None:
        """Send a plan whose messages are encoded already."""
        options = plan.messages[0].options if plan.messages else PLAIN
        if options.transactional and self._app.outbox is None:
            raise ImproperlyConfigured(NO_OUTBOX)
        if plan.groups or plan.chords or plan.kept:
            self._patiently(partial(self._prepare, plan), "A workflow could not be prepared in the result store", options.retry, options.retry_policy)
        if outgoing:
            _say_when(outgoing, fresh=_FRESH)
            self.publish(outgoing, retry=options.retry, policy=options.retry_policy)
            self.announce_sent(plan, outgoing)

    def publish(self, outgoing: Sequence[Outgoing], *, retry: bool | None = None, policy: Mapping[str, Any] | None = None) -> None:
        """Hand messages to the broker; try again by the policy, for no longer than the setting ``broker_publish_timeout`` (seconds)."""
        what = f"The message could not be handed to the broker {censor(self._app.broker_url)}"
        self._patiently(partial(self._hand_over, outgoing), what, retry, policy)

    def _hand_over(self, outgoing: Sequence[Outgoing]) -> None:
        # Asking for the broker may connect, which has its share of the time too.
        self._app.broker.publish(outgoing)

    def _patiently(self, act: Callable[[], None], what: str, retry: bool | None = None, policy: Mapping[str, Any] | None = None) -> None:
        before = deadline.begin(self._timeout)
        try:
            act()
        except OperationalError as error:
            if not (self._retry if retry is None else retry):
                raise _gave_up(what, error, 1) from error
            _again(act, what, {**self._policy, **(policy or {})}, error)
        finally:
            deadline.restore(before)

    def pack(self, plan: Plan) -> Parcel:
        """Return a plan as something that can be kept and sent later, by another process too."""
        return Parcel(tuple(self.encode_plan(plan)), plan.groups, plan.chords, self._kept(plan))

    def send_parcels(self, parcels: Sequence[Parcel]) -> None:
        """Send what was packed, in one publish and without trying again; nobody is told, since the plans are not here."""
        for parcel in parcels:
            self._tell(parcel)
            if parcel.kept and self._app.result_backend is not None:
                self._app.result_backend.store(parcel.kept)
        outgoing = [message for parcel in parcels for message in parcel.outgoing]
        if outgoing:
            _say_when(outgoing, fresh=_FRESH)
            self.publish(outgoing, retry=False)

    def _prepare(self, plan: Plan) -> None:
        self._tell(plan)
        if plan.kept and self._app.result_backend is not None:
            self._app.result_backend.store(self._kept(plan))

    def _tell(self, plan: Plan | Parcel) -> None:
        if plan.groups:
            self._store_groups(plan)
        backend = self._app.result_backend
        if isinstance(backend, AnnouncesChords):
            for chord in plan.chords:
                backend.begin(chord.group, chord.size, self._chord_expires or None)

    def _store_groups(self, plan: Plan | Parcel) -> None:
        backend = self._app.result_backend
        if backend is None:
            return
        if not isinstance(backend, StoresGroups):
            raise ImproperlyConfigured(f"The result backend {type(backend).__name__} cannot keep groups")
        backend.store_groups(plan.groups)


def _say_when(outgoing: Sequence[Outgoing], fresh: float | None = None) -> None:
    """Note when messages are sent, where their ids do not tell: ids that users choose, or use again, and of follow-ups.

    Their ids were made with the workflow, long before. With ``fresh`` (seconds), an id that was made within it tells.
    """
    now = round(time.time(), 3)
    for sent in outgoing:
        headers = sent.envelope.headers
        if fresh is not None and ("id" not in headers or 0.0 <= now - (made_at(headers["id"]) or 0.0) + _ROUNDING < fresh):
            continue
        if sent.due is None or fresh is not None:
            headers[SENT] = now


def _again(act: Callable[[], None], what: str, policy: Mapping[str, Any], error: BaseException) -> None:
    limit = policy.get("max_retries", 3)
    pauses = linear(policy.get("interval_start", 0) or 0, policy.get("interval_step", 0.2) or 0, policy.get("interval_max", 1) or 0)
    tries = 1
    for pause in pauses:
        if (limit is not None and tries > limit) or pause >= (deadline.left() or 0.0):
            break
        time.sleep(pause)
        tries += 1
        try:
            act()
            return
        except OperationalError as again:
            error = again
    raise _gave_up(what, error, tries) from error


def _gave_up(what: str, error: BaseException, tries: int) -> OperationalError:
    return OperationalError(f"{what} ({tries} tries): {error}")


def _delivery_mode(mode: Any) -> int:
    if mode in ("transient", 1, "1"):
        return 1
    return 2


def _body_of(message: TaskMessage) -> tuple[Any, Any, dict[str, Any]]:
    """Return the body of a message as receivers of signals know it."""
    chain = list(message.chain) if isinstance(message.chain, Steps) else message.chain
    return message.args, message.kwargs, {"callbacks": message.callbacks, "errbacks": message.errbacks, "chain": chain, "chord": message.chord}
