"""Calls side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, overload

from celeriac.canvas.algebra import N, Signature, maybe_signature
from celeriac.canvas.compile import as_list
from celeriac.canvas.parts import Part
from celeriac.canvas.sending import collecting, is_collecting, merged, send
from celeriac.contracts.current import current_client
from celeriac.lib.ids import uuid
from celeriac.lib.saferepr import saferepr
from celeriac.model.errors import CompilationError
from celeriac.model.plan import Plan
from celeriac.results import GroupResult

BATCH = 1_000
"""Messages of a generator that are sent at a time."""

_OWN = frozenset({"task_id", "group_id", "group_index", "chord", "chain", "root_id", "parent_id", "link", "link_error", "add_to_parent"})


@Signature.register_type()
class group(Signature[list[N]]):
    """Calls that run at the same time: each gets the same partial arguments; the result is the list of their results.

    Made of signatures, a list of them or a generator, which is read only when the group is sent, a thousand at a time.
    """

    _source: Iterator[Any] | None = None
    _spent = False

    if TYPE_CHECKING:

        @overload
        def __init__(self: group[N], *tasks: *tuple[Iterable[Signature[N]]], **options: Any) -> None: ...
        @overload
        def __init__(self: group[N], *tasks: Signature[N], **options: Any) -> None: ...
        @overload
        def __init__(self: group[Any], *tasks: Any, **options: Any) -> None: ...

    def __init__(self, *tasks: Any, **options: Any) -> None:
        app = options.pop("app", None)
        given = tasks[0] if len(tasks) == 1 else tasks
        if isinstance(given, group):
            given = given.tasks
        elif isinstance(given, dict):
            given = [given]
        super().__init__("celery.group", (), {"tasks": []}, subtask_type="group", app=app, **options)
        if isinstance(given, Iterator):
            self._source = given
        else:
            dict.__getitem__(self, "kwargs")["tasks"] = [member(task, app) for task in given]

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return the group that a dict describes."""
        found = cls(list((d.get("kwargs") or {}).get("tasks") or ()), app=app, **(d.get("options") or {}))
        found["args"] = d.get("args") or ()
        found["immutable"] = bool(d.get("immutable"))
        return found

    # -- a generator is read when somebody looks at the dict

    def _read(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            dict.__getitem__(self, "kwargs")["tasks"].extend(member(task, self._app) for task in source)

    def _first(self) -> Signature | None:
        known = dict.__getitem__(self, "kwargs")["tasks"]
        if not known and self._source is not None:
            known.extend(member(task) for task in islice(self._source, 1))
        return known[0] if known else None

    def __getitem__(self, key: str) -> Any:
        if self._source is not None and key == "kwargs":
            self._read()
        return dict.__getitem__(self, key)

    def __iter__(self) -> Iterator[str]:
        self._read()
        return dict.__iter__(self)

    def get(self, key: str, default: Any = None) -> Any:
        """Return what stands under a key."""
        if key == "kwargs":
            self._read()
        return dict.get(self, key, default)

    def items(self) -> Any:
        """Return pairs of keys and values."""
        self._read()
        return dict.items(self)

    def keys(self) -> Any:
        """Return the keys."""
        self._read()
        return dict.keys(self)

    def values(self) -> Any:
        """Return the values."""
        self._read()
        return dict.values(self)

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def tasks(self) -> Any:
        """The calls."""
        return self["kwargs"]["tasks"]

    @tasks.setter
    def tasks(self, value: Any) -> None:
        self["kwargs"]["tasks"] = value

    @property
    def app(self) -> Any:
        """The application of the group, or of its first call; else the current one."""
        if self._app is not None:
            return self._app
        first = self._first()
        if first is not None:
            return first.app
        return current_client()

    @app.setter
    def app(self, value: Any) -> None:
        self._app = value

    @property
    def width(self) -> int:
        """How many parts of a chord it is."""
        return sum(task.width for task in self.tasks)

    @property
    def shape(self) -> Any:
        """How its results are put together."""
        return alike([task.shape for task in flattened(self.tasks)])

    # -- sending

    def __call__(self, *args: Any, **kwargs: Any) -> GroupResult[N]:  # type: ignore[override]
        """Send the calls; return their results as one."""
        return self.apply_async(args, kwargs)

    def apply_async(  # type: ignore[override]
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        add_to_parent: bool = True,
        producer: Any = None,
        link: Any = None,
        link_error: Any = None,
        **options: Any,
    ) -> GroupResult[N]:
        """Send the calls in one publish; return their results as one. The options count for each of them."""
        if link is not None:
            raise TypeError("Cannot add link to group: use a chord")
        rest = options.pop("chain", None)
        if rest:
            of_these: Any = Signature.TYPES["chain"]
            return of_these.of(self, *reversed(rest)).apply_async(args, kwargs, link_error=link_error, **options)  # type: ignore[no-any-return]
        client = self.app
        if client.conf.task_always_eager and not is_collecting():
            return self.apply(args, kwargs, **options)
        own = {**self.options, **options}
        group_id = own.get("task_id") or uuid()
        shared = {key: value for key, value in own.items() if key not in _OWN}
        shared.update({key: own[key] for key in ("root_id", "parent_id") if own.get(key) is not None}, add_to_parent=False)
        sender = Sender(client, own.get("group_id") or group_id, own.get("chord"), own.get("group_index") or 0, shared, link_error)
        results = self._send(sender, (*(args or ()), *self.args), kwargs)
        result: GroupResult[N] = GroupResult(group_id, results, app=client)
        if add_to_parent and hasattr(client, "note_child"):
            client.note_child(result)
        return result

    def _send(self, sender: "Sender", args: Any, kwargs: Any) -> list[Any]:
        return [result for members, _ in self.portions() for result in sender.send(members, args, kwargs)]

    @property
    def is_read(self) -> bool:
        """Whether it is known what the calls are: not while they are to come from a generator."""
        return self._source is None

    def portions(self) -> Iterator[tuple[list[Any], bool]]:
        """Yield the calls, and whether these are the last: a list in one, a generator a thousand at a time, which are forgotten if they are many."""
        if self._spent:
            raise CompilationError(f"This group's generator has been read: more than {BATCH} calls are not kept. Give it a list to send it again.")
        source, self._source = self._source, None
        known = self.tasks
        if source is None:
            yield flattened(known), True
            return
        portion = [*known, *self._members(source, BATCH - len(known))]
        known.clear()
        following = self._members(source, BATCH)
        self._spent = bool(following)
        if not following:
            known.extend(portion)
        while following:
            yield flattened(portion), False
            portion, following = following, self._members(source, BATCH)
        yield flattened(portion), True

    def _members(self, source: Iterator[Any], most: int) -> list[Signature]:
        return [member(task, self._app) for task in islice(source, most)]

    def delay(self, *partial_args: Any, **partial_kwargs: Any) -> GroupResult[N]:  # type: ignore[override]
        """Send the calls with more arguments; return their results as one."""
        return self.apply_async(partial_args, partial_kwargs)

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> GroupResult[N]:  # type: ignore[override]
        """Run the calls in this process, one after the other; return their results as one."""
        for key in ("add_to_parent", "app", "producer"):
            options.pop(key, None)
        given = (*(args or ()), *self.args)
        group_id = options.pop("task_id", None) or self.options.get("task_id") or uuid()
        return GroupResult(group_id, [task.apply(given, kwargs, **options) for task in flattened(self.tasks)], app=self.app)

    def _settle(self, _id: str | None, given: dict[str, Any]) -> Any:
        options = self.options
        own_id = options.get("task_id") or options.setdefault("task_id", _id or uuid())
        options.update(given)
        self.tasks = flattened(self.tasks)
        # Of a group at the end of a chain in a header it may be known already.
        outer, index, results = options.get("group_id") or own_id, options.get("group_index") or 0, []
        for task in self.tasks:
            shared = {"root_id": given.get("root_id"), "parent_id": given.get("parent_id"), "chord": options.get("chord")}
            results.append(task.freeze(group_id=outer, group_index=index, **shared))
            index += task.width
        return GroupResult(own_id, results, app=self.app)

    # -- changing

    def clone(self, args: Any = None, kwargs: Any = None, **options: Any) -> Self:
        """Return a copy, whose calls are copies too and have more arguments and options."""
        fresh = super().clone(None, None, **options)
        fresh["kwargs"] = {"tasks": [task.clone(args, kwargs) for task in self.tasks]}
        return fresh

    partial = clone

    def set_immutable(self, immutable: bool) -> None:
        """Say for each call whether further arguments are ignored."""
        for task in self.tasks:
            task.set_immutable(immutable)

    def link(self, callback: Any) -> Any:
        """Link a callback to the first call, which will not get its result; a chord is what waits for all."""
        callback = maybe_signature(callback).clone().set(immutable=True)
        return self.tasks[0].link(callback)

    def link_error(self, errback: Any) -> Any:
        """Link an errback to each call."""
        errback = maybe_signature(errback)
        return tuple(task.link_error(errback.clone() if isinstance(errback, Signature) else errback) for task in self.tasks)

    def append_to_list_option(self, key: str, value: Any) -> Any:
        """Callbacks and errbacks are added to each call."""
        if key not in ("link", "link_error"):
            return super().append_to_list_option(key, value)
        for task in self.tasks:
            task.append_to_list_option(key, value)
        return value

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> Self:
        """Let the calls begin one after the other: at ``start`` seconds, then ``step`` later each, none later than ``stop``."""
        seconds = float(start)
        for task in self.tasks:
            task.set(countdown=seconds)
            seconds = seconds + step if stop is None or seconds + step <= stop else seconds
        return self

    def end(self) -> Signature:
        """Return the group, whose options say in which chord it ends."""
        return self

    def __repr__(self) -> str:
        tasks = self.tasks
        if not tasks:
            return "group(<empty>)"
        return f"group([{', '.join(short_names(tasks))}])"

    __str__ = __repr__


class Sender:
    """Sends the members of a group or of a chord's header in one publish."""

    def __init__(self, client: Any, group_id: str, chord: Any, first_index: int, shared: dict[str, Any], link_error: Any = None) -> None:
        self._client = client
        self._own = {"group_id": group_id} if chord is None else {"group_id": group_id, "chord": chord}
        self._index = first_index
        self._shared = shared
        self._link_error = as_list(link_error)

    def send(self, members: Iterable[Any], args: Any, kwargs: Any, before: Callable[[list[Any]], Plan] | None = None) -> list[Any]:
        """Send some, and before them what ``before`` returns for their results; return the results."""
        with collecting() as plans:
            results = [self._one(task, args, kwargs) for task in members]
        if before is not None:
            plans.insert(0, before(results))
        plan = merged(plans)
        if plan is not None:
            self._client.submit(plan)
        return results

    def _one(self, task: Signature, args: Any, kwargs: Any) -> Any:
        if type(task) is not Signature or self._link_error:
            return self._workflow(task, args, kwargs)
        own_args, own_kwargs, options = task._merge(args, kwargs, self._shared)
        options.update(self._own, group_index=self._index)
        self._index += 1
        return send(self._client, task._type, task.name, own_args, own_kwargs, options)

    def _workflow(self, task: Signature, args: Any, kwargs: Any) -> Any:
        if task._app is None:
            task._app = self._client
        fresh = task.fetch() if isinstance(task, Part) else task.clone(args, kwargs)
        fresh.extend_list_option("link_error", self._link_error)
        ids = {key: self._shared[key] for key in ("root_id", "parent_id") if key in self._shared}
        fresh.freeze(group_index=self._index, **self._own, **ids)
        self._index += fresh.width
        if isinstance(task, Part):
            return fresh.apply_async(args, kwargs, **self._shared)
        return fresh.apply_async(**self._shared)


def member(task: Any, app: Any = None) -> Signature:
    """Return one call of a group or a chord's header."""
    found = maybe_signature(task, app=app)
    if not isinstance(found, Signature):
        raise CompilationError(f"A group is made of signatures, not of {type(task).__name__}: {saferepr(task, 80)}. Write task.s(...).")
    return found


def flattened(tasks: Iterable[Any]) -> list[Any]:
    """Return the calls of a group, those of groups in it among them; a chain that comes to nothing is none."""
    found: list[Any] = []
    for task in tasks:
        if isinstance(task, group):
            given = task.args
            found.extend(inner.clone(given) if given else inner for inner in flattened(task.tasks))
        elif type(task) is Signature or task.get("subtask_type") != "chain" or task.width:
            found.append(task)
    return found


def alike(shapes: list[Any]) -> Any:
    """Return the shapes of a group's calls, in short where they are all the same."""
    if len(shapes) > 1 and all(shape == shapes[0] for shape in shapes):
        return {"times": len(shapes), "of": shapes[0]}
    return shapes


def short_names(tasks: Iterable[Any]) -> list[str]:
    """Return calls as text, the module only in the first."""
    first, *rest = [repr(task) for task in tasks]
    module = first.partition("(")[0].rpartition(".")[0]
    return [first, *(text.removeprefix(f"{module}.") if module else text for text in rest)]
