"""From a slot of an entry to the messages that it sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from celeriac.beat.definition import Definition
from celeriac.canvas.algebra import Signature
from celeriac.canvas.sending import collecting, merged, send
from celeriac.lib.ids import uuid
from celeriac.lib.value import Value
from celeriac.model.envelope import Outgoing
from celeriac.model.plan import Plan

PERIODIC_HEADER = "periodic_task_name"
_WORKFLOWS = ("celery.chain", "celery.group", "celery.chord")


class BeatLazyFunc:
    """An argument of an entry that is computed each time it is sent: ``BeatLazyFunc(make_report_name, prefix="daily")``."""

    def __init__(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.func = func
        self.args = args
        self.kwargs = kwargs

    def __call__(self) -> Any:
        """Compute it."""
        return self.func(*self.args, **self.kwargs)

    delay = __call__

    def __repr__(self) -> str:
        return f"BeatLazyFunc({getattr(self.func, '__qualname__', self.func)})"


class Encoded(Value, frozen=True):
    """The messages of one slot, ready to be sent, and the plan that they are of."""

    plan: Plan | None
    outgoing: tuple[Outgoing, ...]


def id_of(space: str, name: str, slot: float) -> str:
    """Return the task id of a slot: whoever sends it, it is the same."""
    digest = blake2b(f"{space}\0{name}\0{slot!r}".encode(), digest_size=8).digest()
    return uuid(lambda size: digest[:size], lambda: round(slot * 1000) * 1_000_000)


def encode_slot(app: Any, definition: Definition, task_id: str) -> Encoded:
    """Return what one slot sends; parts of workflows and groups have to be stored before (``keep``)."""
    headers = {**(definition.options.get("headers") or {}), PERIODIC_HEADER: definition.name}
    options = {"task_id": task_id, **definition.options, "headers": headers}
    with collecting() as plans:
        call(app, definition.task, evaluated(definition.args), evaluated(definition.kwargs), options)
    plan = merged(plans)
    return Encoded(plan, () if plan is None else tuple(app.publisher.encode_plan(plan)))


def keep(app: Any, encoded: Encoded) -> None:
    """Store what the messages refer to."""
    if encoded.plan is not None and (encoded.plan.groups or encoded.plan.kept):
        app.publisher.send_encoded(encoded.plan, ())


def announce(app: Any, encoded: Encoded) -> None:
    """Tell the receivers of the publish signals that the messages are sent."""
    if encoded.plan is not None:
        app.publisher.announce_sent(encoded.plan, encoded.outgoing)


def call(app: Any, task: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Send a task or a workflow and return its result."""
    if task in _WORKFLOWS:
        kind = task.rpartition(".")[2]
        plain = {"task": task, "args": args, "kwargs": dict(kwargs), "options": {}, "subtask_type": kind, "immutable": False}
        return Signature.from_dict(plain, app=app).apply_async(**options)
    return send(app, None, task, tuple(args), dict(kwargs), options)


def evaluated(values: Any) -> Any:
    """Return arguments with those computed that are ``BeatLazyFunc``."""
    if isinstance(values, Mapping):
        return {key: value() if isinstance(value, BeatLazyFunc) else value for key, value in values.items()}
    return tuple(value() if isinstance(value, BeatLazyFunc) else value for value in values)
