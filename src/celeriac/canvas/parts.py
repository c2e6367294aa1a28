"""Parts of a workflow that are kept in the result store, so that messages carry a reference instead of them.

The body of a chord would else travel in each message of the header, and what follows a step of a chain in every message before it.
A part that is carried by reference looks like a signature of its own kind; what a failing workflow has to know of it (whose chord it
ends in) stands in its options, so that it need not be fetched for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from celeriac.canvas.algebra import Signature, maybe_signature
from celeriac.canvas.compile import as_list, plain
from celeriac.lib.ids import uuid
from celeriac.model.errors import CompilationError
from celeriac.model.plan import KeptPart, Plan, ResultNode

LIMIT = 1_500
"""Bytes, about, up to which a part travels in the message itself: a small one costs less there than in the store."""
ENDS = 32
"""Results that a part may end in for their ids to travel with the reference: who refuses a message tells them that they will not come."""
BLOCK = 16
"""Steps of a chain that travel along when there are many."""

TASK = "celeriac.part"
_END = ("task_id", "group_id", "group_index", "chord")


@Signature.register_type("part")
class Part(Signature):
    """A reference to a part of a workflow that the result store keeps."""

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return the reference that a dict describes."""
        found = cls(app=app)
        dict.clear(found)
        dict.update(found, d)
        return found

    def fetch(self) -> Signature:
        """Return the part. CompilationError when it is not kept any more."""
        client = self.app
        key = self.kwargs["id"]
        backend = client.result_backend
        record = None if backend is None else backend.load((key,)).get(key)
        if record is None:
            raise CompilationError(
                f"A part of a workflow ({self.kwargs.get('name')}, {key}) is no longer in the result store: it was forgotten, has expired, "
                "or this worker uses another store than the one who sent it"
            )
        found: Signature = maybe_signature(client.decode_result(record).result, app=client)
        # What was settled of its end since it was put away.
        settled = {name: self.options[name] for name in ("group_id", "group_index", "chord") if self.options.get(name) is not None}
        if settled:
            found.freeze(self.id, **settled)
        return found

    @property
    def width(self) -> int:
        """How many parts of a chord it is."""
        return int(self.kwargs.get("width") or 1)

    @property
    def shape(self) -> Any:
        """How its results are put together."""
        return self.kwargs.get("shape")

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> Any:
        """Fetch the part and send it."""
        given = {**self._said_since(), **options}
        return self._completed().apply_async((*(args or ()), *self.args), {**self.kwargs.get("more", {}), **(kwargs or {})}, **given)

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Fetch the part and run it here."""
        given = {**self._said_since(), **options}
        return self._completed().apply((*(args or ()), *self.args), {**self.kwargs.get("more", {}), **(kwargs or {})}, **given)

    def clone(self, args: Any = None, kwargs: Any = None, **options: Any) -> Self:
        """Return a copy with more arguments, which the part will get."""
        fresh = super().clone(args, None, **options)
        if kwargs:
            fresh.kwargs["more"] = {**self.kwargs.get("more", {}), **kwargs}
        return fresh

    partial = clone

    def _said_since(self) -> dict[str, Any]:
        """Return the options that were set since it was put away."""
        return {key: value for key, value in self.options.items() if key not in (*_END, "link", "link_error")}

    def _completed(self) -> Signature:
        found = self.fetch()
        for key in ("link", "link_error"):
            found.extend_list_option(key, self.options.get(key))
        return found

    def __repr__(self) -> str:
        return f"<part: {self.kwargs.get('name')}>"

    __str__ = __repr__


Keep = Callable[[dict[str, Any], Signature], dict[str, Any]]


def carry(client: Any, signature: Signature) -> dict[str, Any]:
    """Return a frozen signature as messages carry it: plain, and small where parts are kept in the store."""
    return carry_all(client, [signature])[0]


def carry_all(client: Any, signatures: Iterable[Signature]) -> list[dict[str, Any]]:
    """Return frozen signatures as messages carry them; what has to be kept for it is handed to the application first."""
    if not getattr(client, "keeps_parts", False):
        return [plain(signature) for signature in signatures]
    kept: list[KeptPart] = []
    carried = [_small(signature, _keeper(kept)) for signature in signatures]
    submit(client, kept)
    return carried


def carry_rest(client: Any, steps: list[Signature], make_chain: Callable[[list[Signature]], Signature]) -> list[dict[str, Any]]:
    """Return the steps of a chain that follow one, in the order of messages: the next is the last."""
    if not getattr(client, "keeps_parts", False):
        return [plain(step) for step in reversed(steps)]
    kept: list[KeptPart] = []
    keep = _keeper(kept)
    carried = [_small(step, keep) for step in steps]
    if len(steps) > BLOCK and weight(carried) > 2 * LIMIT:
        later = make_chain([maybe_signature(step) for step in carried[BLOCK:]])
        carried = [*carried[:BLOCK], keep(plain(later), later)]
    submit(client, kept)
    return carried[::-1]


def submit(client: Any, kept: list[KeptPart]) -> None:
    """Hand parts that are to be kept to the application."""
    if kept:
        client.submit(Plan(messages=(), result=ResultNode(kept[0].id), kept=tuple(kept)))


def weight(value: Any, limit: int = 1 << 30) -> int:
    """Return about how many bytes a plain value takes as JSON, counting no further than ``limit``."""
    if isinstance(value, str):
        return len(value) + 4
    if isinstance(value, (bytes, bytearray)):
        return len(value) * 4 // 3 + 4
    if isinstance(value, dict):
        items: Iterable[Any] = (part for pair in value.items() for part in pair)
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = value
    else:
        return 8
    total = 4
    for item in items:
        total += weight(item, limit - total)
        if total > limit:
            break
    return total


def _keeper(kept: list[KeptPart]) -> Keep:
    def keep(body: dict[str, Any], signature: Signature) -> dict[str, Any]:
        part = KeptPart(uuid(), body)
        kept.append(part)
        return _reference(part.id, signature)

    return keep


def _reference(key: str, signature: Signature) -> dict[str, Any]:
    kwargs: dict[str, Any] = {"id": key, "name": signature.name, "width": signature.width}
    shape = signature.shape
    if shape is not None:
        kwargs["shape"] = shape
        if signature.width <= ENDS:
            kwargs["ends"] = list(_ends(signature))
    end = signature.end().options
    options = {name: plain(end[name]) for name in _END if end.get(name) is not None}
    return {"task": TASK, "args": [], "kwargs": kwargs, "options": options, "subtask_type": "part", "immutable": bool(signature.immutable)}


def _ends(signature: Any) -> Iterator[str | None]:
    """Yield the ids of the results that a workflow ends in."""
    kind = signature.get("subtask_type")
    if kind == "group":
        for task in signature.tasks:
            yield from _ends(task)
    elif kind in ("chain", "chord"):
        yield from _ends(signature.body if kind == "chord" else signature.tasks[-1])
    elif kind == "part" and signature.kwargs.get("ends"):
        yield from signature.kwargs["ends"]
    else:
        yield signature.id


def _small(signature: Signature, keep: Keep) -> dict[str, Any]:
    body = _shrunk(signature, keep)
    if signature.get("subtask_type") == "part" or weight(body, LIMIT) <= LIMIT:
        return body
    return keep(body, signature)


def _shrunk(signature: Signature, keep: Keep) -> dict[str, Any]:
    kind = signature.get("subtask_type")
    found: dict[str, Any] = {key: plain(value) for key, value in signature.items() if key not in ("kwargs", "options")}
    kwargs = dict(signature.kwargs)
    if kind in ("chain", "group"):
        kwargs["tasks"] = [_small(maybe_signature(task), keep) for task in kwargs["tasks"]]
    elif kind == "chord":
        header = kwargs["header"]
        members = as_list(header["kwargs"]["tasks"] if isinstance(header, dict) else header)
        small = [_small(maybe_signature(task), keep) for task in members]
        kwargs["header"] = {**plain(header), "kwargs": {"tasks": small}} if isinstance(header, dict) else small
        if kwargs.get("body") is not None:
            kwargs["body"] = _small(maybe_signature(kwargs["body"]), keep)
    options = dict(signature.options)
    for option in ("link", "link_error"):
        if options.get(option):
            options[option] = [_small(maybe_signature(link), keep) for link in as_list(options[option])]
    return {**found, "kwargs": plain(kwargs), "options": plain(options)}
