"""Workflows that will not run, or not to their end, because something before them failed: nobody may wait for them for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from celeriac.canvas.algebra import Signature, maybe_signature
from celeriac.canvas.chain import chain
from celeriac.canvas.chord import chord
from celeriac.canvas.group import group
from celeriac.canvas.parts import Part
from celeriac.engine import shares
from celeriac.engine.current import Attempt, stamp
from celeriac.model import states
from celeriac.model.errors import CompilationError
from celeriac.model.record import ResultMeta
from celeriac.model.request import Request

Errbacks = Callable[[Attempt, Any, Request, BaseException, str], None]


def rest(attempt: Attempt, steps: Iterable[Mapping[str, Any]], error: BaseException, traceback: str) -> None:
    """The steps that would have followed have failed with the same error; their errbacks are not called, those of the failed step were."""
    for step in steps:
        _mark(attempt, maybe_signature(step, app=attempt.tools.client), error, traceback)


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


def _mark(attempt: Attempt, sig: Signature, error: BaseException, traceback: str) -> None:
    try:
        sig = _fetched(sig)
    except CompilationError:
        return
    if isinstance(sig, (chain, group)):
        rest(attempt, sig.tasks, error, traceback)
    elif isinstance(sig, chord):
        rest(attempt, sig.tasks, error, traceback)
        _mark(attempt, sig.body, error, traceback)
    else:
        _meta(attempt, sig, error, traceback)


def _fetched(sig: Signature) -> Signature:
    return sig.fetch() if isinstance(sig, Part) else sig


def _meta(attempt: Attempt, sig: Signature, error: BaseException, traceback: str) -> None:
    options = sig.options
    task_id = options.get("task_id")
    if task_id is None or options.get("ignore_result"):
        return
    done = stamp(attempt.tools.clock.now())
    message = attempt.message
    reply_to = options.get("reply_to") or message.reply_to
    result = ResultMeta(task_id, states.FAILURE, error, traceback, [], done, options.get("group_id"), message.id, reply_to=reply_to)
    attempt.more.append(result)


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
