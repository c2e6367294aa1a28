"""Traces by OpenTelemetry: one trace from the caller through every task that follows from the call.

``pip install celeriac[opentelemetry]``, then ``instrument(app)`` where the application is made, in clients and workers alike. What to do with the
spans is up to the SDK's tracer provider. A span ``send <task>`` (producer) covers handing a message over, ``process <task>`` (consumer) a run of it;
attributes are those of the semantic conventions for messaging. The context travels in message headers (``traceparent``), so other programs' spans
join in.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider

from celeriac import signals
from celeriac.canvas.sending import is_collecting
from celeriac.lib.value import Value
from celeriac.worker import log_json

INTERNAL = "celery.chord_unlock"
"""What finishes chords: a message of the workers' own, which is no step of anybody's workflow."""
_MOST = 1_000
"""Spans of messages that are being sent; more of them were never sent."""
_SYSTEMS = {"amqp": "rabbitmq", "amqps": "rabbitmq", "pyamqp": "rabbitmq", "rediss": "redis"}
_UID = "celeriac.contrib.opentelemetry"


class Ended(Value, frozen=True):
    """The attempt that ended last in this context: what follows from it is sent after it."""

    root: str
    context: Context


class _Running:
    """The span of an attempt, and how to leave it."""

    __slots__ = ("span", "token")

    def __init__(self, span: Span, token: Any) -> None:
        self.span = span
        self.token = token


_ended: ContextVar[Ended | None] = ContextVar("celeriac_ended_span", default=None)
_running: ContextVar[dict[str, _Running] | None] = ContextVar("celeriac_running_spans", default=None)


def instrument(app: Any, tracer_provider: TracerProvider | None = None) -> "Instrumentation":
    """Trace an application's calls and tasks; the global tracer provider is used unless another is given."""
    made = Instrumentation(app, trace.get_tracer("celeriac", tracer_provider=tracer_provider))
    made.connect()
    return made


class Instrumentation:
    """What traces an application; ``disconnect`` ends it."""

    def __init__(self, app: Any, tracer: trace.Tracer) -> None:
        self._app = app
        self._tracer = tracer
        self._sending: OrderedDict[str, Span] = OrderedDict()
        self._lock = threading.Lock()
        self._system: str | None = None

    def connect(self) -> None:
        """Begin."""
        for signal, receiver in self._receivers():
            signal.connect(receiver, weak=False, dispatch_uid=_UID)
        self._app.submit = self._submit
        log_json.more = _ids

    def disconnect(self) -> None:
        """End."""
        for signal, _ in self._receivers():
            signal.disconnect(dispatch_uid=_UID)
        self._app.__dict__.pop("submit", None)
        log_json.more = dict

    def _receivers(self) -> list[tuple[Any, Any]]:
        return [
            (signals.before_task_publish, self._before_publish), (signals.after_task_publish, self._after_publish),
            (signals.task_prerun, self._begin), (signals.task_postrun, self._end),
            (signals.task_failure, self._failed), (signals.task_retry, self._retried),
        ]  # fmt: skip

    # -- sending

    def _submit(self, plan: Any) -> Any:
        """Send a plan; the messages of a workflow that is begun outside of any span have one above them all."""
        submit = type(self._app).submit
        if len(plan.messages) < 2 or is_collecting() or trace.get_current_span().get_span_context().is_valid:
            return submit(self._app, plan)
        with self._tracer.start_as_current_span("send workflow"):
            return submit(self._app, plan)

    def _before_publish(self, sender: Any, headers: dict[str, Any], body: Any = None, routing_key: str = "", **_: Any) -> None:
        if sender == INTERNAL or "id" not in headers:
            return
        parent = self._parent_of_message(headers)
        before = trace.get_current_span(propagate.extract(headers)).get_span_context()
        links = [Link(before)] if before.is_valid and headers.get("retries") else []
        attributes = {**self._attributes("send", sender, headers), "messaging.destination.name": routing_key}
        span = self._tracer.start_span(f"send {sender}", parent, SpanKind.PRODUCER, attributes, links)
        sent_in = trace.set_span_in_context(span, parent)
        propagate.inject(headers, sent_in)
        _mark_chord(body, parent if trace.get_current_span(parent).get_span_context().is_valid else sent_in)
        with self._lock:
            self._sending[headers["id"]] = span
            forgotten = self._sending.popitem(last=False)[1] if len(self._sending) > _MOST else None
        if forgotten is not None:
            forgotten.set_status(Status(StatusCode.ERROR, "the message was not sent"))
            forgotten.end()

    def _after_publish(self, headers: Mapping[str, Any], **_: Any) -> None:
        with self._lock:
            span = self._sending.pop(headers.get("id", ""), None)
        if span is not None:
            span.end()

    @staticmethod
    def _parent_of_message(headers: Mapping[str, Any]) -> Context:
        """Return whose child the sending is: the span that runs here, the attempt that has just ended here, else what the message was made in."""
        here = contexts.get_current()
        if trace.get_current_span(here).get_span_context().is_valid:
            return here
        ended = _ended.get()
        if ended is not None and ended.root == (headers.get("root_id") or headers.get("id")):
            return ended.context
        return propagate.extract(headers)

    # -- running

    def _begin(self, task_id: str, task: Any, **_: Any) -> None:
        request = task.request
        if task.name == INTERNAL or request.is_eager:
            _ended.set(None)
            return
        carrier = {name: value for name, value in vars(request).items() if isinstance(value, str)}
        parent = propagate.extract(carrier)
        before = trace.get_current_span(parent).get_span_context()
        again = request.redelivered or request.retries
        links = [Link(before, {"celeriac.again": "redelivered" if request.redelivered else "retry"})] if again and before.is_valid else []
        attributes = {
            **self._attributes("process", task.name, vars(request)),
            "messaging.destination.name": (request.delivery_info or {}).get("routing_key") or "",
            "celeriac.task.deliveries": request.deliveries,
        }
        span = self._tracer.start_span(f"process {task.name}", parent, SpanKind.CONSUMER, attributes, links)
        token = contexts.attach(trace.set_span_in_context(span, parent))
        _running.set({**(_running.get() or {}), task_id: _Running(span, token)})

    def _end(self, task_id: str, task: Any, state: str = "", **_: Any) -> None:
        known = dict(_running.get() or {})
        running = known.pop(task_id, None)
        if running is None:
            return
        _running.set(known)
        running.span.set_attribute("celeriac.task.state", state)
        _ended.set(Ended(task.request.root_id or task_id, contexts.get_current()))
        contexts.detach(running.token)
        running.span.end()

    @staticmethod
    def _failed(task_id: str, exception: BaseException, **_: Any) -> None:
        running = (_running.get() or {}).get(task_id)
        if running is not None:
            running.span.record_exception(exception)
            running.span.set_attribute("error.type", f"{type(exception).__module__}.{type(exception).__qualname__}")
            running.span.set_status(Status(StatusCode.ERROR, f"{type(exception).__name__}: {exception}"))

    @staticmethod
    def _retried(request: Any, reason: Any, **_: Any) -> None:
        running = (_running.get() or {}).get(request.id)
        if running is not None:
            running.span.add_event("retry", {"celeriac.reason": str(reason)})

    def _attributes(self, what: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        if self._system is None:
            scheme = str(self._app.broker_url).partition(":")[0]
            self._system = _SYSTEMS.get(scheme, scheme)
        found = {
            "messaging.system": self._system,
            "messaging.operation.name": what,
            "messaging.operation.type": what,
            "messaging.message.id": fields.get("id"),
            "messaging.message.conversation_id": fields.get("root_id"),
            "celeriac.task.name": name,
            "celeriac.task.retries": fields.get("retries") or 0,
            "celeriac.periodic_task": fields.get("periodic_task_name"),
        }
        return {name: value for name, value in found.items() if value is not None}


def _mark_chord(body: Any, context: Context) -> None:
    """The body of a chord is sent by whoever finds it due, outside of any span: it carries with it in which it was made."""
    embed = body[2] if isinstance(body, tuple) and len(body) == 3 and isinstance(body[2], dict) else {}
    chord = embed.get("chord")
    if isinstance(chord, dict) and isinstance(chord.get("options"), dict):
        headers = dict(chord["options"].get("headers") or {})
        propagate.inject(headers, context)
        chord["options"]["headers"] = headers


def _ids() -> dict[str, str]:
    """Return what log lines say of the span that runs here."""
    here = trace.get_current_span().get_span_context()
    return {"trace_id": f"{here.trace_id:032x}", "span_id": f"{here.span_id:016x}"} if here.is_valid else {}
