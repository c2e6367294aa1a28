"""The reference: what a workflow returns and which callbacks and errbacks are called, by the rules of docs/how-to/workflows.md.

Pure: no messages, no stores, nothing of celeriac.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.canvas_reference.workflows import Call, Chain, Chord, Group, Mapped, Workflow

FAILED = "failed"
NONE: frozenset[str] = frozenset()


def digest(tag: int, args: Sequence[Any]) -> str:
    """Return what an ok task returns: a word that depends on everything it was given."""
    return f"{tag}:{hashlib.sha1(json.dumps(list(args)).encode()).hexdigest()[:8]}"


@dataclass
class Run:
    """What came of it: ``calls`` counts ("link", number, value), ("errback", number, tag of the call that failed) and ("stamps", tag, names)."""

    value: Any
    calls: Counter[Any]


@dataclass(frozen=True)
class Place:
    """Where a call stands: the stamps of what comes before it, and the parts that were added to the chord that it is a part of."""

    stamps: frozenset[str] = NONE
    added: list[Any] | None = None


def interpret(workflow: Workflow, args: tuple[Any, ...] = ()) -> Run:
    """Run a workflow."""
    calls: Counter[Any] = Counter()
    return Run(_run(normal(workflow), args, calls, Place()), calls)


def normal(workflow: Workflow) -> Workflow:
    """Return the workflow as it is sent: what follows a group has become the body of a chord, and all that was said of it is said of calls."""
    if isinstance(workflow, (Call, Mapped)):
        return workflow
    found = _shaped(workflow)
    if workflow.partial:
        found = _first(found, lambda call: call if call.immutable else replace(call, own=(workflow.partial, *call.own)))
    if workflow.immutable:
        found = _first(found, lambda call: replace(call, immutable=True))
    for number in () if isinstance(workflow, Group) else workflow.links:
        found = _linked(found, number)
    for number in workflow.errbacks:
        found = _guarded(found, number)
    return _stamped(found, workflow.stamp) if workflow.stamp else found


def _shaped(workflow: Chain | Group | Chord) -> Workflow:
    if isinstance(workflow, Group):
        return Group(tuple(_flat(workflow.members)))
    if isinstance(workflow, Chord):
        return Chord(tuple(_flat(workflow.header)), normal(workflow.body))
    given = [normal(step) for step in workflow.steps]
    if workflow.piped and len(given) == 1:
        return given[0]
    steps = [step for each in given for step in _steps(each)]
    if not workflow.piped:
        steps = [step for step in steps if step != Group(())] or steps[-1:]
    return _row(steps)


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
        found.extend(member.members if isinstance(member, Group) else [member] if not _is_nothing(member) else [])
    return found


def _is_nothing(workflow: Workflow) -> bool:
    return isinstance(workflow, Chain) and _trimmed(workflow.steps) in ([], [Group(())])


def _first(workflow: Workflow, change: Callable[[Call], Call]) -> Workflow:
    """What is given to the whole is given to what begins."""
    if isinstance(workflow, Mapped):
        return workflow
    if isinstance(workflow, Call):
        return change(workflow)
    if isinstance(workflow, Chain):
        return Chain((*(_first(step, change) for step in workflow.steps[:1]), *workflow.steps[1:]))
    if isinstance(workflow, Group):
        return Group(tuple(_first(member, change) for member in workflow.members))
    return Chord(tuple(_first(member, change) for member in workflow.header), workflow.body)


def _linked(workflow: Workflow, number: int) -> Workflow:
    """A callback of the whole is one of its end."""
    if isinstance(workflow, (Call, Mapped)):
        return replace(workflow, links=(*workflow.links, number))
    if isinstance(workflow, Chain):
        if not workflow.steps:
            return workflow
        *before, end = _trimmed(workflow.steps)
        return Chain((*before, _linked(end, number), *workflow.steps[len(before) + 1 :]))
    if isinstance(workflow, Group):
        return Group(tuple(_linked(member, number) for member in workflow.members))
    return Chord(workflow.header, _linked(workflow.body, number))


def _guarded(workflow: Workflow, number: int) -> Workflow:
    """An errback of a chain is one of each step, of a chord one of its body."""
    if isinstance(workflow, (Call, Mapped)):
        return replace(workflow, errbacks=(*workflow.errbacks, number))
    if isinstance(workflow, Chain):
        return Chain(tuple(_guarded(step, number) for step in workflow.steps))
    if isinstance(workflow, Group):
        return Group(tuple(_guarded(member, number) for member in workflow.members))
    return Chord(workflow.header, _guarded(workflow.body, number))


def _stamped(workflow: Workflow, name: str) -> Workflow:
    """A stamp of the whole is one of everything in it."""
    if isinstance(workflow, (Call, Mapped)):
        return replace(workflow, stamps=(*workflow.stamps, name))
    if isinstance(workflow, Chain):
        return Chain(tuple(_stamped(step, name) for step in workflow.steps))
    if isinstance(workflow, Group):
        return Group(tuple(_stamped(member, name) for member in workflow.members))
    return Chord(tuple(_stamped(member, name) for member in workflow.header), _stamped(workflow.body, name))


def _run(workflow: Workflow, args: tuple[Any, ...], calls: Counter[Any], place: Place) -> Any:
    if isinstance(workflow, Call):
        return _call(workflow, args, calls, place)
    if isinstance(workflow, Mapped):
        return _mapped(workflow, calls)
    if isinstance(workflow, Group):
        return [_run(member, args, calls, place) for member in workflow.members]
    if isinstance(workflow, Chain):
        return _chain(workflow, args, calls, place)
    added: list[Any] = []
    parts = [_run(member, args, calls, Place(place.stamps, added)) for member in workflow.header]
    if _any_failed(parts):
        _abandon(workflow.body, calls)
        return _nothing(workflow.body)
    return _run(workflow.body, ([*parts, *added],), calls, place)


def _chain(workflow: Chain, args: tuple[Any, ...], calls: Counter[Any], place: Place) -> Any:
    steps = _trimmed(workflow.steps)
    value: Any = None
    stamps = place.stamps
    for number, step in enumerate(steps):
        value = _run(step, args if number == 0 else (value,), calls, Place(stamps, place.added if number == len(steps) - 1 else None))
        if value == FAILED and number < len(steps) - 1:
            return _nothing(steps[-1])
        stamps |= set(getattr(step, "stamps", ()))
    return value


def _trimmed(steps: Sequence[Workflow]) -> list[Workflow]:
    """An empty group at the end is nothing."""
    found = list(steps)
    while len(found) > 1 and found[-1] == Group(()):
        found.pop()
    return found


def _call(call: Call, args: tuple[Any, ...], calls: Counter[Any], place: Place) -> Any:
    given = [*(() if call.immutable else args), *call.own]
    if call.how == "expired":
        # Nobody's code runs for what is not run.
        return FAILED
    if "fail" in call.how or (call.how == "grow" and place.added is None):
        _abandon(call, calls)
        return FAILED
    stamps = tuple(sorted(place.stamps | set(call.stamps)))
    first, second = -call.tag, -call.tag - 1000
    ran: tuple[int, ...] = (call.tag,)
    value: Any = digest(call.tag, given)
    if call.how.startswith("replace"):
        ran = (first, second)
        value = _replaced(call.how, first, second, given)
    if stamps:
        calls.update(("stamps", tag, stamps) for tag in ran)
    if call.how == "grow" and place.added is not None:
        place.added.append(digest(first, ()))
    calls.update(("link", number, json.dumps(value)) for number in call.links)
    return value


def _replaced(how: str, first: int, second: int, given: list[Any]) -> Any:
    before = digest(first, given)
    if how == "replace":
        return [before, digest(second, given)]
    return digest(second, [before if how == "replace_chain" else [before]])


def _mapped(mapped: Mapped, calls: Counter[Any]) -> Any:
    if mapped.fails and mapped.items:
        _abandon(mapped, calls)
        return FAILED
    value = [digest(mapped.tag, [n]) for n in range(mapped.items)]
    calls.update(("link", number, json.dumps(value)) for number in mapped.links)
    return value


def _abandon(workflow: Workflow, calls: Counter[Any]) -> None:
    """It has failed before it began: the errbacks are those of what would have begun."""
    if isinstance(workflow, Call):
        calls.update(("errback", number, workflow.tag) for number in workflow.errbacks)
    elif isinstance(workflow, Mapped):
        calls.update(("errback", number, workflow.tag if workflow.items else None) for number in workflow.errbacks)
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
        return _nothing(_trimmed(workflow.steps)[-1])
    return _nothing(workflow.body) if isinstance(workflow, Chord) else FAILED


def _any_failed(value: Any) -> bool:
    return any(map(_any_failed, value)) if isinstance(value, list) else value == FAILED
