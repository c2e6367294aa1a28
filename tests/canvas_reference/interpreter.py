"""The reference: what a workflow returns and which callbacks and errbacks are called, by the rules of docs/how-to/workflows.md.

Pure: no messages, no stores, nothing of celeriac.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.canvas_reference.workflows import Call, Chain, Chord, Group, Workflow

FAILED = "failed"


def digest(tag: int, args: Sequence[Any]) -> str:
    """Return what an ok task returns: a word that depends on everything it was given."""
    return f"{tag}:{hashlib.sha1(json.dumps(list(args)).encode()).hexdigest()[:8]}"


@dataclass
class Run:
    """What came of it: ``calls`` counts ("link", number, value) and ("errback", number, tag of the call that failed)."""

    value: Any
    calls: Counter[Any]


def interpret(workflow: Workflow) -> Run:
    """Run a workflow."""
    calls: Counter[Any] = Counter()
    return Run(_run(normal(workflow), (), calls), calls)


def normal(workflow: Workflow) -> Workflow:
    """Return the workflow as it is sent: what follows a group has become the body of a chord, and all callbacks stand at tasks."""
    if isinstance(workflow, Group):
        return Group(tuple(_flat(workflow.members)))
    if isinstance(workflow, Chord):
        found: Workflow = Chord(tuple(_flat(workflow.header)), normal(workflow.body))
    elif isinstance(workflow, Chain):
        found = _row([step for given in workflow.steps for step in _steps(normal(given))])
    else:
        return workflow
    for number in workflow.links:
        found = _linked(found, number)
    for number in workflow.errbacks:
        found = _guarded(found, number)
    return found


def _row(steps: list[Workflow]) -> Workflow:
    done: list[Workflow] = []
    for step in steps:
        last = done[-1] if done else None
        if isinstance(last, Group):
            done[-1] = Chord(last.members, step)
        elif isinstance(last, Chord):
            done[-1] = Chord(last.header, _row([*_steps(last.body), step]))
        else:
            done.append(step)
    # A chain that ends in a group counts as one in a group or header, whose own groups count by their members.
    return done[0] if len(done) == 1 and not isinstance(done[0], Group) else Chain(tuple(done))


def _steps(workflow: Workflow) -> tuple[Workflow, ...]:
    return workflow.steps if isinstance(workflow, Chain) else (workflow,)


def _flat(members: Sequence[Workflow]) -> list[Workflow]:
    found: list[Workflow] = []
    for member in map(normal, members):
        found.extend(member.members if isinstance(member, Group) else [member])
    return found


def _linked(workflow: Workflow, number: int) -> Workflow:
    """A callback of the whole is one of its end."""
    if isinstance(workflow, Call):
        return replace(workflow, links=(*workflow.links, number))
    if isinstance(workflow, Chain):
        return Chain((*workflow.steps[:-1], _linked(workflow.steps[-1], number)))
    if isinstance(workflow, Group):
        return Group(tuple(_linked(member, number) for member in workflow.members))
    return Chord(workflow.header, _linked(workflow.body, number))


def _guarded(workflow: Workflow, number: int) -> Workflow:
    """An errback of a chain is one of each step, of a chord one of its body."""
    if isinstance(workflow, Call):
        return replace(workflow, errbacks=(*workflow.errbacks, number))
    if isinstance(workflow, Chain):
        return Chain(tuple(_guarded(step, number) for step in workflow.steps))
    if isinstance(workflow, Group):
        return Group(tuple(_guarded(member, number) for member in workflow.members))
    return Chord(workflow.header, _guarded(workflow.body, number))


def _run(workflow: Workflow, args: tuple[Any, ...], calls: Counter[Any]) -> Any:
    if isinstance(workflow, Call):
        return _call(workflow, args, calls)
    if isinstance(workflow, Group):
        return [_run(member, args, calls) for member in workflow.members]
    if isinstance(workflow, Chain):
        value: Any = None
        for number, step in enumerate(workflow.steps):
            value = _run(step, args if number == 0 else (value,), calls)
            if value == FAILED:
                return _nothing(workflow)
        return value
    parts = [_run(member, args, calls) for member in workflow.header]
    if _any_failed(parts):
        _abandon(workflow.body, calls)
        return _nothing(workflow.body)
    return _run(workflow.body, (parts,), calls)


def _call(call: Call, args: tuple[Any, ...], calls: Counter[Any]) -> Any:
    given = () if call.immutable else args
    if call.how.startswith("fail"):
        _abandon(call, calls)
        return FAILED
    value: Any = digest(call.tag, given)
    if call.how == "replace":
        value = [digest(-call.tag, given), digest(-call.tag - 1000, given)]
    calls.update(("link", number, json.dumps(value)) for number in call.links)
    return value


def _abandon(workflow: Workflow, calls: Counter[Any]) -> None:
    """It has failed before it began: the errbacks are those of what would have begun."""
    if isinstance(workflow, Call):
        calls.update(("errback", number, workflow.tag) for number in workflow.errbacks)
    elif isinstance(workflow, Chain):
        _abandon(workflow.steps[0], calls)
    elif isinstance(workflow, Group):
        for member in workflow.members:
            _abandon(member, calls)
    else:
        _abandon(workflow.body, calls)


def _nothing(workflow: Workflow) -> Any:
    """Return the result of a workflow that has failed as a whole."""
    if isinstance(workflow, Group):
        return [_nothing(member) for member in workflow.members]
    if isinstance(workflow, Chain):
        return _nothing(workflow.steps[-1])
    return _nothing(workflow.body) if isinstance(workflow, Chord) else FAILED


def _any_failed(value: Any) -> bool:
    return any(map(_any_failed, value)) if isinstance(value, list) else value == FAILED
