"""Handing calls to the application; and holding back what is to be sent together with something else.

While somebody is ``collecting``, ``Client.submit`` gives its plans to the collector (it calls ``collected`` first) instead of sending them.
That is how the follow-ups of an attempt pass through ``Task.apply_async``, which users override, and still leave in one write with its result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from celeriac.model.plan import Plan

_collector: ContextVar[list[Plan] | None] = ContextVar("celeriac_collector", default=None)


@contextmanager
def collecting(plans: list[Plan] | None = None) -> Iterator[list[Plan]]:
    """Collect into ``plans`` what would be sent in this context meanwhile."""
    plans = [] if plans is None else plans
    token = _collector.set(plans)
    try:
        yield plans
    finally:
        _collector.reset(token)


def collected(plan: Plan) -> bool:
    """Give a plan to the collector of this context; False when there is none and it has to be sent."""
    plans = _collector.get()
    if plans is None:
        return False
    plans.append(plan)
    return True


def is_collecting() -> bool:
    """Return whether somebody collects what this context would send."""
    return _collector.get() is not None


def send(client: Any, task: Any, name: str, args: Any, kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Call a task by its object, or by its name when it is not registered here; return its result handle."""
    if task is None:
        task = client.tasks.get(name)
    if task is not None:
        return task.apply_async(args, kwargs, **options)
    return client.send_task(name, args, kwargs, **options)


def merged(plans: Sequence[Plan]) -> Plan | None:
    """Return several plans as one, to be sent in one publish; None when there is none."""
    if len(plans) <= 1:
        return plans[0] if plans else None
    return Plan(
        messages=tuple(message for plan in plans for message in plan.messages),
        result=plans[-1].result,
        groups=tuple(record for plan in plans for record in plan.groups),
        kept=tuple(part for plan in plans for part in plan.kept),
        chords=tuple(chord for plan in plans for chord in plan.chords),
    )
