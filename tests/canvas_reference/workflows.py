"""Workflows as plain values, and any number of random ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Call:
    """A task. ``how``: ok | fail | retry (fails once, then is ok) | fail_after_retry | expired (is never run) | grow (adds a part to its chord) |
    replace (puts a group of two in its place) | replace_chain | replace_chord | replace_fail (of one call that fails).

    ``own`` are arguments that it has already; what it is given goes before them.
    """

    tag: int
    how: str = "ok"
    immutable: bool = False
    links: tuple[int, ...] = ()
    errbacks: tuple[int, ...] = ()
    own: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapped:
    """One message, many calls. ``how``: map | starmap. Gets nothing of what comes before it."""

    tag: int
    how: str
    items: int
    fails: bool = False
    errbacks: tuple[int, ...] = ()
    links: tuple[int, ...] = ()
    stamps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chain:
    """``piped``: made with | instead of chain(...), which leaves empty groups out."""

    steps: tuple[Workflow, ...]
    links: tuple[int, ...] = ()
    errbacks: tuple[int, ...] = ()
    piped: bool = False
    partial: str = ""
    immutable: bool = False
    stamp: str = ""


@dataclass(frozen=True)
class Group:
    """``source``: list | generator | chunks (then its members are ``Mapped``)."""

    members: tuple[Workflow, ...]
    errbacks: tuple[int, ...] = ()
    source: str = "list"
    partial: str = ""
    immutable: bool = False
    stamp: str = ""


@dataclass(frozen=True)
class Chord:
    header: tuple[Workflow, ...]
    body: Workflow
    links: tuple[int, ...] = ()
    errbacks: tuple[int, ...] = ()
    source: str = "list"
    partial: str = ""
    immutable: bool = False
    stamp: str = ""


Workflow = Call | Mapped | Chain | Group | Chord

HOWS = ("ok",) * 12 + ("fail", "retry", "fail_after_retry", "expired", "grow", "replace", "replace_chain", "replace_chord", "replace_fail")
FEW = st.integers(0, 3).map(lambda n: 1 if n == 3 else 0)
WIDTHS = st.sampled_from((0, 1, 1, 2, 2, 2, 3, 3))


@st.composite
def workflows(draw: st.DrawFn, depth: int = 5) -> Workflow:
    """Return a workflow in which all tags, callbacks and errbacks differ; half of them are nested as deep as may be."""
    numbers = count(1)
    found = _workflow(draw, depth, numbers, draw(st.booleans()))
    # A chain of nothing is sent as nothing.
    return found if not isinstance(found, Chain) or has_steps(found) else Call(next(numbers))


def has_steps(chain: Chain) -> bool:
    """Whether a chain comes to anything."""
    return any(has_steps(step) if isinstance(step, Chain) else True for step in chain.steps)


def _is_nothing(workflow: Workflow) -> bool:
    """Whether it comes to no call whose result anybody could wait for."""
    if isinstance(workflow, Chord):
        return _is_nothing(workflow.body)
    if isinstance(workflow, (Call, Mapped)):
        return False
    return all(map(_is_nothing, workflow.steps if isinstance(workflow, Chain) else workflow.members))


def _workflow(draw: st.DrawFn, depth: int, numbers: count[int], deep: bool) -> Workflow:
    leaves = () if deep else ("call", "call", "mapped")
    kind = draw(st.sampled_from((*leaves, "chain", "chain", "group", "chord") if depth else ("call", "call", "call", "mapped")))
    if kind == "call":
        return _call(draw, numbers)
    if kind == "mapped":
        return _mapped(draw, numbers)
    width = draw(WIDTHS)
    below = tuple(_workflow(draw, depth - 1, numbers, deep and place == 0) for place in range(width))
    common: dict[str, Any] = {
        "partial": _seldom(draw, f"p{next(numbers)}"), "immutable": draw(st.integers(0, 9)) == 9, "stamp": _seldom(draw, f"s{next(numbers)}"),
    }  # fmt: skip
    if kind == "chain":
        return Chain(below, _some(draw, numbers), _some(draw, numbers), draw(st.booleans()) and bool(below), **common)
    if kind == "group" and draw(st.integers(0, 7)) == 7:
        return Group(tuple(Mapped(next(numbers), "starmap", 2) for _ in below), source="chunks")
    # What a generator will bring is not known before it is read: one of nothing is not left out.
    source = draw(st.sampled_from(("list", "list", "generator"))) if not all(map(_is_nothing, below)) else "list"
    if kind == "group":
        return Group(below, _some(draw, numbers), source, **common)
    body = _workflow(draw, depth - 1, numbers, False)
    if _is_nothing(body):
        body = _call(draw, numbers)
    return Chord(below, body, _some(draw, numbers), _some(draw, numbers), source, **common)


def _call(draw: st.DrawFn, numbers: count[int]) -> Call:
    how = draw(st.sampled_from(HOWS))
    tag, own = next(numbers), _seldom(draw, f"a{next(numbers)}")
    return Call(tag, how, draw(st.integers(0, 9)) == 9, _some(draw, numbers), _some(draw, numbers), (own,) if own else ())


def _mapped(draw: st.DrawFn, numbers: count[int]) -> Mapped:
    how, items, fails = draw(st.sampled_from(("map", "starmap"))), draw(st.integers(0, 3)), draw(st.integers(0, 5)) == 5
    return Mapped(next(numbers), how, items, fails, _some(draw, numbers))


def _some(draw: st.DrawFn, numbers: count[int]) -> tuple[int, ...]:
    return tuple(next(numbers) for _ in range(draw(FEW)))


def _seldom(draw: st.DrawFn, word: str) -> str:
    return word if draw(st.integers(0, 5)) == 5 else ""
