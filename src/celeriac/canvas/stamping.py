"""Stamps: headers that a workflow's author puts on every task of it, and that its callbacks inherit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from celeriac.canvas.compile import as_list

Headers = dict[str, Any]


class StampingVisitor(ABC):
    """Walks over a workflow; each method returns the stamps of what it is shown, as a dict, or None.

    A key ``stamped_headers`` in it names those that are stamps; without it all of them are, and others are plain options.
    """

    @abstractmethod
    def on_signature(self, sig: Any, **headers: Any) -> Headers | None:
        """A task."""

    def on_group_start(self, sig: Any, **headers: Any) -> Headers | None:
        """A group begins: what is returned is put on its tasks too."""
        return None

    def on_group_end(self, sig: Any, **headers: Any) -> None:  # noqa: B027 (for those who want it)
        """A group ends."""

    def on_chain_start(self, sig: Any, **headers: Any) -> Headers | None:
        """A chain begins."""
        return None

    def on_chain_end(self, sig: Any, **headers: Any) -> None:  # noqa: B027 (for those who want it)
        """A chain ends."""

    def on_chord_header_start(self, sig: Any, **header: Any) -> Headers | None:
        """A chord's header begins: it is shown as the group that it is, too."""
        as_group: Any = sig.TYPES["group"]
        return self.on_group_start(as_group(sig.tasks), **header)

    def on_chord_header_end(self, sig: Any, **header: Any) -> None:  # noqa: B027 (for those who want it)
        """A chord's header ends."""

    def on_chord_body(self, sig: Any, **header: Any) -> Headers | None:
        """A chord's body comes next."""
        return None

    def on_callback(self, callback: Any, **header: Any) -> Headers | None:
        """A callback."""
        return None

    def on_errback(self, errback: Any, **header: Any) -> Headers | None:
        """An errback."""
        return None


class _Given(StampingVisitor):
    """The stamps that ``stamp(name=value)`` names, and other options where ``stamped_headers`` says which of them are stamps."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        names = given.get("stamped_headers")
        self._given = {**given, "stamped_headers": list(given if names is None else names)}

    def on_signature(self, sig: Any, **headers: Any) -> Headers | None:
        return dict(self._given)


def stamp(signature: Any, visitor: StampingVisitor | None, append: bool, headers: Mapping[str, Any]) -> None:
    """Stamp a signature and everything below it."""
    if visitor is None:
        visitor, headers = _Given(headers), {}
    walk: Callable[..., Any] = _STAMP.get(signature.get("subtask_type") or "", _stamp_task)
    walk(signature, visitor, append, dict(headers))


def stamp_links(signature: Any, visitor: Any, append: bool, headers: Mapping[str, Any]) -> None:
    """Stamp the callbacks and errbacks of a signature."""
    for option, tell in (("link", "on_callback"), ("link_error", "on_errback")):
        links = as_list(signature.options.get(option))
        for place, link in enumerate(links):
            found = signature.read(link)
            stamp(found, visitor, append, _with(headers, getattr(visitor, tell)(found, **headers)))
            links[place] = found
        if links:
            signature.options[option] = links


def add_stamps(merged: dict[str, Any], own: Mapping[str, Any], names: Sequence[str]) -> None:
    """Put the stamps of a signature beside those that it is sent with; of two of one name its own counts."""
    known = as_list(own["stamped_headers"])
    merged["stamped_headers"] = list(dict.fromkeys([*known, *names]))
    merged.update({name: own[name] for name in known if name in own})


def _stamp_task(signature: Any, visitor: StampingVisitor, append: bool, headers: Headers) -> None:
    stamp_links(signature, visitor, append, headers)
    found = _with(headers, visitor.on_signature(signature, **headers))
    if not found:
        return
    options = signature.options
    names = found.pop("stamped_headers")
    for name, value in found.items():
        known = options.get(name)
        options[name] = _joined(known, value) if append and known is not None and name in names else value
    known_names = options.get("stamped_headers") or []
    options["stamped_headers"] = list(dict.fromkeys([*known_names, *names]))


def _stamp_tasks(signature: Any, visitor: StampingVisitor, append: bool, headers: Headers, what: str) -> Headers:
    headers = _with(headers, getattr(visitor, f"on_{what}_start")(signature, **headers))
    stamp_links(signature, visitor, append, headers)
    for task in signature.tasks:
        stamp(task, visitor, append, headers)
    getattr(visitor, f"on_{what}_end")(signature, **headers)
    return headers


def _stamp_chord(signature: Any, visitor: StampingVisitor, append: bool, headers: Headers) -> None:
    headers = _stamp_tasks(signature, visitor, append, headers, "chord_header")
    headers = _with(headers, visitor.on_chord_body(signature, **headers))
    if signature.body is not None:
        stamp(signature.body, visitor, append, headers)


_STAMP: dict[str, Callable[..., Any]] = {
    "chain": partial(_stamp_tasks, what="chain"), "group": partial(_stamp_tasks, what="group"), "chord": _stamp_chord,
}  # fmt: skip


def _with(headers: Mapping[str, Any], more: Headers | None) -> Headers:
    if not more:
        return dict(headers)
    names = more.get("stamped_headers", [name for name in more if name != "stamped_headers"])
    return {**headers, **more, "stamped_headers": list(dict.fromkeys([*headers.get("stamped_headers", ()), *names]))}


def _joined(known: Any, value: Any) -> list[Any]:
    return list(dict.fromkeys([*as_list(known), *as_list(value)]))
