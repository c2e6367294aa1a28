"""Workflows as plain values, and any number of random ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from hypothesis import strategies as st


@dataclass(frozen=True)
class Call:
    """A task. ``how``: ok | fail | retry (fails once, then is ok) | replace (puts a group of two in its place) | fail_after_retry."""

    tag: int
    how: str = "ok"
    immutable: bool = False
    links: tuple[int, ...] = ()
    errbacks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chain:
    steps: tuple[Workflow, ...]
    links: tuple[int, ...] = ()
    errbacks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Group:
    members: tuple[Workflow, ...]


@dataclass(frozen=True)
class Chord:
    header: tuple[Workflow, ...]
    body: Workflow
    links: tuple[int, ...] = ()
    errbacks: tuple[int, ...] = ()


Workflow = Call | Chain | Group | Chord

HOWS = ("ok",) * 8 + ("fail", "retry", "replace", "fail_after_retry")
FEW = st.integers(0, 3).map(lambda n: 1 if n == 3 else 0)


@st.composite
def workflows(draw: st.DrawFn, depth: int = 5) -> Workflow:
    """Return a workflow in which all tags, callbacks and errbacks differ."""
    numbers = count(1)
    return _workflow(draw, depth, numbers)


def _workflow(draw: st.DrawFn, depth: int, numbers: count[int]) -> Workflow:
    kind = draw(st.sampled_from(("call", "call", "chain", "group", "chord") if depth else ("call",)))
    if kind == "call":
        how = draw(st.sampled_from(HOWS))
        links = () if how == "replace" else _some(draw, numbers)
        return Call(next(numbers), how, draw(st.integers(0, 9)) == 0, links, _some(draw, numbers))
    below = tuple(_workflow(draw, depth - 1, numbers) for _ in range(draw(st.integers(1, 3))))
    if kind == "chain":
        return Chain(below, _some(draw, numbers), _some(draw, numbers))
    if kind == "group":
        return Group(below)
    return Chord(below, _workflow(draw, depth - 1, numbers), _some(draw, numbers), _some(draw, numbers))


def _some(draw: st.DrawFn, numbers: count[int]) -> tuple[int, ...]:
    return tuple(next(numbers) for _ in range(draw(FEW)))
