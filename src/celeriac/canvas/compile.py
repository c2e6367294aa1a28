"""From a call with Celery's options to the messages it comes to. Pure: what time it is and what ids are used are arguments.

``Task.apply_async`` and ``send_task`` end here: they merge task and call options into one mapping and hand it to ``plan_call``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from celeriac.lib.ids import uuid
from celeriac.lib.saferepr import saferepr
from celeriac.model.options import SendOptions
from celeriac.model.plan import Plan, PlannedMessage, ResultNode
from celeriac.model.steps import Steps
from celeriac.model.task_message import TaskMessage

LOWEST = -(2**31)
REPR_LENGTH = 1024

_SEND = ("exchange_type", "serializer", "compression", "delivery_mode", "expiration", "retry", "retry_policy", "transactional")
_MESSAGE = ("shadow", "group_index", "argsrepr", "kwargsrepr", "reply_to")
_LOCAL = frozenset(
    {"add_to_parent", "producer", "publisher", "connection", "router", "result_cls", "event_dispatcher", "route_name", "task_type"}
    | {"declare", "mandatory", "immediate", "confirm_timeout", "timeout", "app", "task_id", "countdown", "eta", "expires", "queue"}
    | {"exchange", "routing_key", "priority", "headers", "link", "link_error", "time_limit", "soft_time_limit", "ignore_result"}
    | {"group_id", "taskset_id", "chord", "chain", "root_id", "parent_id", "retries", "replaced_task_nesting"}
    | {"stamped_headers", "stamps", *_SEND, *_MESSAGE}
)

_OF_GROUPS = frozenset({"task_id", "group_id", "group_index", "chord", "root_id", "parent_id", "ignore_result", "reply_to"})


def plan_call(
    name: str,
    args: Any,
    kwargs: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    *,
    now: float,
    new_id: Callable[[], str] = uuid,
    origin: str | None = None,
    timezone: tzinfo | None = None,
) -> Plan:
    """Return what sending one call comes to.

    ``options`` are those of ``apply_async`` under Celery's names; unknown ones become message properties. ``timezone`` is that of
    naive datetimes (UTC when None), ``now`` epoch seconds. ValueError for limits and times that make no sense.
    """
    if not options or (len(options) == 1 and "ignore_result" in options):
        # What a plain delay() comes to: worth its own way, which takes half the time.
        task_id = new_id()
        message = TaskMessage(
            task=name, id=task_id, args=args or (), kwargs=dict(kwargs or {}), root_id=task_id, origin=origin,
            ignore_result=options.get("ignore_result"),
            argsrepr=saferepr(args or (), REPR_LENGTH), kwargsrepr=saferepr(kwargs or {}, REPR_LENGTH), correlation_id=task_id,
        )  # fmt: skip
        return Plan(messages=(PlannedMessage(message=message),), result=ResultNode(id=task_id))
    task_id = options.get("task_id") or new_id()
    if _OF_GROUPS.issuperset(options):
        # One of many in a group or a chord's header: it has its own short way too.
        get = options.get
        message = TaskMessage(
            task=name, id=task_id, args=args or (), kwargs=dict(kwargs or {}), chord=plain(get("chord")), group=get("group_id"),
            group_index=get("group_index"), root_id=get("root_id") or task_id, parent_id=get("parent_id"), origin=origin,
            ignore_result=get("ignore_result"), argsrepr=saferepr(args, REPR_LENGTH) if args else "()",
            kwargsrepr=saferepr(kwargs, REPR_LENGTH) if kwargs else "{}", correlation_id=task_id, reply_to=get("reply_to"),
        )  # fmt: skip
        return Plan(messages=(PlannedMessage(message=message),), result=ResultNode(id=task_id))
    due = due_time(options.get("countdown"), options.get("eta"), now, timezone)
    message = _message(name, task_id, args or (), kwargs or {}, options, due, now, origin, timezone)
    return Plan(messages=(PlannedMessage(message=message, options=send_options(options, due)),), result=ResultNode(id=task_id))


def due_time(countdown: float | None, eta: Any, now: float, timezone: tzinfo | None = None) -> float | None:
    """Return when a call is due (epoch seconds), or None for at once."""
    if countdown:
        return now + _seconds("countdown", countdown)
    return None if eta is None else instant(eta, timezone)


def instant(when: Any, timezone: tzinfo | None = None) -> float:
    """Return epoch seconds of a datetime, ISO 8601 text or number; naive datetimes are in ``timezone`` (UTC when None)."""
    if isinstance(when, (int, float)):
        return float(when)
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    if moment.tzinfo is None:
        # Naive text comes from the wire, where it means UTC; naive objects come from the program, where they mean its time zone.
        moment = moment.replace(tzinfo=UTC if isinstance(when, str) else timezone or UTC)
    return float(moment.timestamp())


def send_options(options: Mapping[str, Any], due: float | None = None) -> SendOptions:
    """Return the part of the options that is about sending."""
    known = {name: options[name] for name in _SEND if options.get(name) is not None}
    exchange = options.get("exchange")
    if exchange is not None and not isinstance(exchange, str):
        known.setdefault("exchange_type", getattr(exchange, "type", None))
    return SendOptions(
        queue=_name(options.get("queue")),
        exchange=_name(exchange),
        routing_key=options.get("routing_key"),
        priority=options.get("priority"),
        due=due,
        properties={key: value for key, value in options.items() if key not in _LOCAL and key not in _stamps(options)},
        **known,
    )


class Plain(dict[str, Any]):
    """A dict that is plain all the way down already: what ten thousand messages share is gone through once."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Whoever unpickles it may not have this class.
        return dict, (dict(self),)


def known_plain(steps: list[Any]) -> list[Any]:
    """Return what a message brought, marked as plain: what follows in a chain is handed on by each of its steps, and need not be gone through."""
    return [Plain(step) if type(step) is dict else step for step in steps]


def plain(value: Any) -> Any:
    """Return signatures as plain dicts and lists, all the way down, so that any serializer can write them."""
    if type(value) is Plain:
        return value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(plain(item) for item in value)
    return value


def as_list(value: Any) -> list[Any]:
    """Return a list of what may be one thing, several, or None."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _message(
    name: str,
    task_id: str,
    args: Any,
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
    due: float | None,
    now: float,
    origin: str | None,
    timezone: tzinfo | None,
) -> TaskMessage:
    get = options.get
    stamps = _stamps(options)
    fields: dict[str, Any] = {key: options[key] for key in _MESSAGE if get(key) is not None}
    fields = {"argsrepr": saferepr(args, REPR_LENGTH), "kwargsrepr": saferepr(kwargs, REPR_LENGTH), **fields}
    return TaskMessage(
        task=name,
        id=task_id,
        args=args,
        kwargs=dict(kwargs),
        callbacks=_signatures(get("link")),
        errbacks=_signatures(get("link_error")),
        chain=_signatures(get("chain")),
        chord=plain(get("chord")),
        eta=None if due is None else iso(due),
        expires=_expires(get("expires"), now, timezone),
        group=get("group_id") or get("taskset_id"),
        retries=get("retries") or 0,
        timelimit=_limits(get("time_limit"), get("soft_time_limit")),
        root_id=get("root_id") or task_id,
        parent_id=get("parent_id"),
        origin=origin,
        ignore_result=get("ignore_result"),
        replaced_task_nesting=get("replaced_task_nesting") or 0,
        stamped_headers=list(stamps) or None,
        stamps=stamps,
        headers=dict(get("headers") or {}),
        correlation_id=task_id,
        **fields,
    )


def iso(epoch: float) -> str:
    """Return epoch seconds as ISO 8601 text in UTC."""
    return datetime.fromtimestamp(epoch, UTC).isoformat()


def _expires(expires: Any, now: float, timezone: tzinfo | None) -> str | None:
    if expires is None:
        return None
    if isinstance(expires, timedelta):
        expires = expires.total_seconds()
    if isinstance(expires, (int, float)):
        return iso(now + _seconds("expires", expires))
    return iso(instant(expires, timezone))


def _seconds(option: str, value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < LOWEST:
        raise ValueError(f"{option}={value!r} is out of range: it may not be less than {LOWEST} seconds.")
    return seconds


def _limits(hard: float | None, soft: float | None) -> tuple[float | None, float | None]:
    if hard is not None and soft is not None and soft > hard:
        raise ValueError(f"soft_time_limit ({soft!r}) must not be greater than time_limit ({hard!r}).")
    return hard, soft


def _signatures(value: Any) -> Sequence[Any] | None:
    if isinstance(value, Steps):
        return value
    return [plain(item) for item in as_list(value)] or None


def _stamps(options: Mapping[str, Any]) -> dict[str, Any]:
    names: Sequence[str] = options.get("stamped_headers") or ()
    held = options.get("stamps") or {}
    found = {name: options.get(name, held.get(name)) for name in names}
    return {name: as_list(value) if isinstance(value, (set, frozenset)) else value for name, value in found.items()}


def _name(entity: Any) -> str | None:
    return entity if entity is None or isinstance(entity, str) else str(entity.name)
