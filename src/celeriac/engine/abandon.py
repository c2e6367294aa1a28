"""Workflows that will not run, or not to their end, because something before them failed: nobody may wait for them for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from celeriac.canvas.algebra import Signature, maybe_signature
from celeriac.canvas.chain import chain
from celeriac.canvas.chord import chord
from celeriac.canvas.group import group
from celeriac.canvas.parts import Part
from celeriac.engine import shares
from celeriac.engine.current import Attempt, stamp
from celeriac.model import states
from celeriac.model.effects import ChordShare
from celeriac.model.envelope import Delivery
from celeriac.model.errors import CompilationError, DecodeError, ImproperlyConfigured, InvalidTaskError
from celeriac.model.record import ResultMeta
from celeriac.model.request import Request
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import decode_task

Errbacks = Callable[[Attempt, Any, Request, BaseException, str], None]


def rest(attempt: Attempt, steps: Iterable[Mapping[str, Any]], error: BaseException, traceback: str) -> None:
    """The steps that would have followed have failed with the same error; their errbacks are not called, those of the failed step were."""
    for step in steps:
        _mark(attempt, step, error, traceback)


def workflow(attempt: Attempt, sig: Signature, error: BaseException, traceback: str, call: Errbacks) -> None:
    """A workflow will not begin: it has failed, its errbacks are called once, and a chord that it is a part of has failed too."""
    sig = _fetched(sig)
    if attempt.share is None:
        attempt.share = shares.of_signature(sig, attempt, states.FAILURE, error)
    if isinstance(sig, chain):
        steps = sig.unchain_tasks()
        if steps:
            workflow(attempt, steps[0], error, traceback, call)
            rest(attempt, steps[1:], error, traceback)
    elif isinstance(sig, group):
        for task in sig.tasks:
            workflow(attempt, task, error, traceback, call)
    elif isinstance(sig, chord):
        rest(attempt, sig.tasks, error, traceback)
        workflow(attempt, sig.body, error, traceback, call)
    else:
        _meta(attempt, sig, error, traceback)
        call(attempt, sig.options.get("link_error"), _request(attempt, sig), error, traceback)
    rest(attempt, sig.options.get("chain") or (), error, traceback)


def refused(
    delivery: Delivery, state: str, error: BaseException, accept: frozenset[str] | None, now: float
) -> tuple[ChordShare | None, tuple[ResultMeta, ...]]:
    """A message is not run: return the part of a chord that will never be done, and the results of the steps that would have followed.

    No user code is called, so no errbacks; and nothing is fetched: of a large part that the store keeps, its ends are told of (up to some number).
    """
    try:
        message = decode_task(delivery.envelope, accept)
    except (InvalidTaskError, DecodeError, ImproperlyConfigured):
        return None, ()
    ends = [found for step in message.chain or () for leaf in _leaves(step) for found in _ends_of(leaf)]
    results = (_meta_of(message, end, state, error, None, now) for end in ends)
    return shares.refused(message, delivery, state, error), tuple(found for found in results if found is not None)


def _ends_of(leaf: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return what a call, or a part that is kept elsewhere, ends in."""
    kwargs = leaf.get("kwargs") or {}
    if leaf.get("subtask_type") != "part" or not kwargs.get("shape"):
        return (leaf,)
    return [{"options": {"task_id": task_id}} for task_id in kwargs.get("ends") or ()]


def _mark(attempt: Attempt, sig: Mapping[str, Any], error: BaseException, traceback: str) -> None:
    for leaf in _leaves(sig):
        if leaf.get("subtask_type") == "part":
            with suppress(CompilationError):
                _mark(attempt, maybe_signature(leaf, app=attempt.tools.client).fetch(), error, traceback)
        else:
            _meta(attempt, leaf, error, traceback)


def _leaves(sig: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the calls of a workflow, and parts that are kept elsewhere."""
    kind, kwargs = sig.get("subtask_type"), sig.get("kwargs") or {}
    if kind not in ("chain", "group", "chord"):
        yield sig
        return
    held = kwargs.get("header" if kind == "chord" else "tasks") or ()
    for task in (held.get("kwargs") or {}).get("tasks") or () if isinstance(held, Mapping) else held:
        yield from _leaves(task)
    if kind == "chord" and kwargs.get("body"):
        yield from _leaves(kwargs["body"])


def _fetched(sig: Signature) -> Signature:
    return sig.fetch() if isinstance(sig, Part) else sig


def _meta(attempt: Attempt, sig: Mapping[str, Any], error: BaseException, traceback: str) -> None:
    found = _meta_of(attempt.message, sig, states.FAILURE, error, traceback, attempt.tools.clock.now())
    if found is not None:
        attempt.more.append(found)


def _meta_of(
    message: TaskMessage, sig: Mapping[str, Any], state: str, error: BaseException, traceback: str | None, now: float
) -> ResultMeta | None:
    options = sig.get("options") or {}
    task_id = options.get("task_id")
    if task_id is None or options.get("ignore_result"):
        return None
    reply_to = options.get("reply_to") or message.reply_to
    return ResultMeta(task_id, state, error, traceback, [], stamp(now), options.get("group_id"), message.id, reply_to=reply_to)


def _request(attempt: Attempt, sig: Signature) -> Request:
    options, above = sig.options, attempt.request
    fields = {
        "id": options.get("task_id"),
        "task": sig.name,
        "args": sig.args,
        "kwargs": sig.kwargs,
        "errbacks": options.get("link_error"),
        "root_id": options.get("root_id") or above.root_id,
        "parent_id": above.parent_id,
        "group": options.get("group_id"),
        "group_index": options.get("group_index"),
        "stamped_headers": options.get("stamped_headers"),
        "stamps": {name: options.get(name) for name in options.get("stamped_headers") or ()},
        "hostname": above.hostname,
        "delivery_info": above.delivery_info,
        "called_directly": False,
    }
    return Request(fields)
