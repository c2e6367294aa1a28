"""What an attempt means for the chord it is a part of: which part is done, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from celeriac.canvas.algebra import maybe_signature
from celeriac.engine.current import Attempt
from celeriac.model import states
from celeriac.model.effects import ChordShare
from celeriac.model.envelope import Delivery
from celeriac.model.errors import Ignore
from celeriac.model.task_message import TaskMessage

ADDED = "chord_added"
"""Header: how many parts earlier tries of a call have added to its chord."""


def own(attempt: Attempt, state: str, result: Any, failed: bool = False) -> ChordShare | None:
    """Return the attempt's own part in its chord."""
    added = attempt.added + int((attempt.message.headers or {}).get(ADDED) or 0)
    return _part(attempt.message, _delivery(attempt), state, result, failed, added)


def failed(attempt: Attempt, state: str, error: BaseException) -> ChordShare | None:
    """Return the part that will never be done because this attempt failed: its own, or that of the chain it is a step of."""
    message = attempt.message
    if message.chord is None and not message.chain:
        return attempt.share
    return _failed(message, _delivery(attempt), state, error)


def refused(message: TaskMessage, delivery: Delivery, state: str, error: BaseException) -> ChordShare | None:
    """Return the part that will never be done because a message was not run."""
    return _failed(message, delivery, state, error)


def ignored(attempt: Attempt) -> ChordShare | None:
    """Return the part that is done without a result, as its task wanted: its own, or that of the chain that stops with it.

    Of a chain that would have ended in several calls it is one that has failed.
    """
    message = attempt.message
    if message.chord is not None or not message.chain:
        return None if message.chord is None else own(attempt, states.SUCCESS, None)
    end = message.chain[0]
    if maybe_signature(end).width > 1:
        return _at_end(end, message, _delivery(attempt), states.FAILURE, Ignore(f"{message.task} has stopped its chain"), True)
    return _at_end(end, message, _delivery(attempt), states.SUCCESS, None, False)


def of_signature(sig: Mapping[str, Any], attempt: Attempt, state: str, error: BaseException) -> ChordShare | None:
    """Return the part that will never be done because a signature will not be sent."""
    return _at_end(sig, attempt.message, _delivery(attempt), state, error, True)


def _failed(message: TaskMessage, delivery: Delivery | None, state: str, error: BaseException) -> ChordShare | None:
    if message.chord is not None:
        return _part(message, delivery, state, error, True)
    if message.chain:
        return _at_end(message.chain[0], message, delivery, state, error, True)
    return None


def _delivery(attempt: Attempt) -> Delivery | None:
    return None if attempt.job is None else attempt.job.delivery


def _part(message: TaskMessage, delivery: Delivery | None, state: str, result: Any, failed: bool, added: int = 0) -> ChordShare | None:
    chord, group = message.chord, message.group
    if group is None or not isinstance(chord, dict):
        return None
    return _share(chord, group, message.group_index, message.id, message, delivery, state, result, failed, added)


def _at_end(sig: Mapping[str, Any], message: TaskMessage, delivery: Delivery | None, state: str, result: Any, failed: bool) -> ChordShare | None:
    """Find the chord that a signature ends in."""
    kind, kwargs, options = sig.get("subtask_type"), sig.get("kwargs") or {}, sig.get("options") or {}
    chord, group = options.get("chord"), options.get("group_id")
    if isinstance(chord, dict) and group is not None:
        task_id = options.get("task_id") or message.id
        return _share(chord, group, options.get("group_index"), task_id, message, delivery, state, result, failed)
    below: Sequence[Any] = ()
    if kind == "chain":
        below = (kwargs.get("tasks") or ())[-1:]
    elif kind == "group":
        below = (kwargs.get("tasks") or ())[:1]
    elif kind == "chord" and kwargs.get("body"):
        below = (kwargs["body"],)
    if options.get("chain"):
        below = (options["chain"][0],)
    return _at_end(below[0], message, delivery, state, result, failed) if below else None


def _share(
    chord: Mapping[str, Any],
    group: str,
    index: int | None,
    task_id: str,
    message: TaskMessage,
    delivery: Delivery | None,
    state: str,
    result: Any,
    failed: bool,
    added: int = 0,
) -> ChordShare:
    size = chord.get("chord_size")
    return ChordShare(
        group=group,
        index=index or 0,
        size=size if isinstance(size, int) else 0,
        failed=failed,
        task_id=task_id,
        state=state,
        result=result,
        body=chord,
        queue="" if delivery is None else delivery.queue,
        priority=0 if delivery is None else delivery.priority,
        root_id=message.root_id,
        more=added,
    )
