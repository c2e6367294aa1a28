"""Where a call would go, and why: routing put into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celeriac.app.attributes import sent_options
from celeriac.app.routing import Destination, Rule
from celeriac.canvas.compile import due_time, send_options
from celeriac.config.schemes import broker_scheme
from celeriac.lib.value import Value
from celeriac.model.options import SendOptions
from celeriac.model.topology import Binding, Queue
from celeriac.wire.bindings import queues_for

_AMQP = ("amqp", "amqps", "pyamqp")
_SAID = ("queue", "exchange", "routing_key", "priority", "delivery_mode", "serializer", "compression")


class Explanation(Value, frozen=True):
    """Where a call goes; ``sources`` says of each option that was set who set it, ``queues`` why each queue gets the message."""

    task: str
    registered: bool
    rule: Rule | None
    sources: dict[str, str]
    queue: str | None
    exchange: str
    exchange_type: str
    routing_key: str
    queues: dict[str, str]
    priority: int
    priority_note: str
    durable: bool
    delayed: str | None


def explain(app: Any, name: str, args: Any = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Explanation:
    """Return where a call with these options (those of ``apply_async``) would go; nothing is sent and no broker is asked.

    Raises QueueNotFound for a queue that is not known and must not be made.
    """
    task = app.tasks.get(name)
    own = {} if task is None else dict(sent_options(task))
    due = due_time(options.get("countdown"), options.get("eta"), app.time.now(), app.timezone)
    asked = send_options({**own, **options}, due)
    router = app.publisher.router
    rule = router.rule(asked, name, args, kwargs or {}, task)
    where: Destination = router.route(asked, name, args, kwargs or {}, task)
    kind = _kind(app, where)
    headers = {"lang": "py", "task": name, **(options.get("headers") or {})}
    takers = _takers(app, where, headers)
    return Explanation(
        task=name, registered=task is not None, rule=rule, sources=_sources(app, options, own, rule, where.options),
        queue=None if where.queue is None else where.queue.name, exchange=where.exchange, exchange_type=kind if where.exchange else "default",
        routing_key=where.routing_key, queues=takers, priority=where.priority, priority_note=_priority_note(app, where, takers),
        durable=_durable(app, where.options), delayed=None if due is None else _delayed(app, where, kind, due - app.time.now()),
    )  # fmt: skip


def _kind(app: Any, where: Destination) -> str:
    known = (binding.exchange for queue in app.queues.values() for binding in queue.all_bindings)
    return next((exchange.type for exchange in known if exchange.name == where.exchange), where.options.exchange_type or "direct")


def _sources(app: Any, call: Mapping[str, Any], own: Mapping[str, Any], rule: Rule | None, found: SendOptions) -> dict[str, str]:
    sources: dict[str, str] = {}
    for name in _SAID:
        if getattr(found, name) is None:
            continue
        if call.get(name) is not None:
            sources[name] = "the call"
        elif own.get(name) is not None:
            sources[name] = "the task's attribute"
        elif rule is not None:
            sources[name] = "task_routes"
    if "queue" not in sources and "exchange" not in sources:
        sources["queue"] = "task_default_queue"
    if "priority" not in sources and app.conf.task_default_priority is not None:
        sources["priority"] = "task_default_priority"
    return sources


def _takers(app: Any, where: Destination, headers: Mapping[str, Any]) -> dict[str, str]:
    """Return the queues that get a message, as far as this application's settings know, and why."""
    if not where.exchange:
        return {where.routing_key: "by its name"}
    known: dict[str, Queue] = {queue.name: queue for queue in app.queues.values()}
    bindings = [(queue.name, binding) for queue in known.values() for binding in queue.all_bindings if binding.exchange.name == where.exchange]
    found = queues_for(bindings, where.routing_key, headers)
    return {_shown(known[name]): _why(dict(bindings)[name]) for name in found}


def _shown(queue: Queue) -> str:
    return f"{queue.alias}.<each worker that consumes it>" if queue.broadcast else queue.name


def _why(binding: Binding) -> str:
    match binding.exchange.type:
        case "fanout":
            return "a fanout exchange hands everything to every queue"
        case "headers":
            return f"bound by headers {binding.arguments}"
        case "topic":
            return f"bound by the pattern {binding.routing_key!r}"
        case _:
            return f"bound by the routing key {binding.routing_key!r}"


def _priority_note(app: Any, where: Destination, takers: Mapping[str, str]) -> str:
    scheme = broker_scheme(app.conf)
    if scheme not in _AMQP:
        return "lower numbers first" if scheme in ("redis", "rediss", "sentinel", "valkey", "valkeys") else "higher numbers first"
    plain = [name for name in takers if name in app.queues and _levels(app.queues[name]) is None]
    if where.priority and plain:
        return f"no effect: {', '.join(plain)} has no max_priority (task_queue_max_priority)"
    return "higher numbers first, in queues with max_priority"


def _levels(queue: Queue) -> Any:
    return queue.max_priority or queue.queue_arguments.get("x-max-priority")


def _durable(app: Any, options: SendOptions) -> bool:
    mode = app.conf.task_default_delivery_mode if options.delivery_mode is None else options.delivery_mode
    return mode not in (1, "1", "transient")


def _delayed(app: Any, where: Destination, kind: str, seconds: float) -> str:
    if seconds <= 0:
        return "it is due already"
    if broker_scheme(app.conf) not in _AMQP:
        return "the broker holds it until it is due"
    if seconds < 1:
        return "it goes at once, and the worker holds it for less than a second"
    quorum = any(queue.queue_arguments.get("x-queue-type") == "quorum" for queue in app.queues.values())
    if where.exchange and kind == "topic" and quorum:
        return "by Celery's native delayed delivery, from the exchange celery_delayed_27"
    level = min(20, int(seconds).bit_length() - 1)
    return f"it waits in the queue {where.exchange or where.routing_key}.delayed.{level} first"
