"""What the caller says: one call. Nothing here sends by itself; ``apply_async`` hands over to the application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

from celeriac.canvas.compile import as_list
from celeriac.canvas.drawing import draw
from celeriac.canvas.sending import send
from celeriac.canvas.stamping import add_stamps, stamp, stamp_links
from celeriac.contracts.current import current_client
from celeriac.lib.ids import uuid
from celeriac.lib.saferepr import saferepr

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from celeriac.canvas.chain import chain
    from celeriac.results import AsyncResult, EagerResult

    R = TypeVar("R", default=Any)
else:
    from typing import TypeVar

    R = TypeVar("R")

N = TypeVar("N")
S = TypeVar("S", bound="type[Signature]")

_BY_TASK = {"celery.map": "xmap", "celery.starmap": "xstarmap", "celery.chunks": "chunks"}
"""Kinds of workflows that Celery writes without their ``subtask_type``."""

class Signature(dict[str, Any], Generic[R]):
    """One call that has not been made: a task, arguments, options. A dict, so that it travels as JSON as it is.

    ``R`` is what comes of it: of a chain what its last call returns, of a group the list of what its calls return.
    """

    TYPES: ClassVar[dict[str, type[Signature]]] = {}
    _IMMUTABLE_OPTIONS: ClassVar[frozenset[str]] = frozenset({"group_id", "stamped_headers"})
    _app: Any = None
    _type: Any = None

    def __init__(
        self,
        task: Any = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        type: Any = None,
        subtask_type: str | None = None,
        immutable: bool = False,
        app: Any = None,
        **more_options: Any,
    ) -> None:
        self._app = app
        if isinstance(task, dict):
            super().__init__(task)
            return
        name = task if isinstance(task, str) or task is None else task.name
        self._type = type if type is not None else (task if name is not task else None)
        super().__init__(
            task=name,
            args=tuple(args or ()),
            kwargs=dict(kwargs or {}),
            options={**(options or {}), **more_options},
            subtask_type=subtask_type,
            immutable=immutable,
        )

    @classmethod
    def register_type(cls, name: str | None = None) -> Callable[[S], S]:
        """Register a class for the signatures whose ``subtask_type`` is ``name``; a class decorator."""

        def register(subclass: S) -> S:
            cls.TYPES[name or subclass.__name__] = subclass
            return subclass

        return register

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return the signature that a dict describes."""
        kind = d.get("subtask_type") or _BY_TASK.get(d.get("task") or "")
        target = cls.TYPES.get(kind) if kind else None
        if target is not None and target is not cls:
            return target.from_dict(d, app=app)
        return Signature(dict(d), app=app)

    @staticmethod
    def read(value: Any) -> Any:
        """Return a signature of a dict."""
        return maybe_signature(value)

    task = property(lambda self: self.get("task"), lambda self, value: self.__setitem__("task", value))
    args = property(lambda self: self.get("args") or (), lambda self, value: self.__setitem__("args", value))
    kwargs = property(lambda self: self.setdefault("kwargs", {}), lambda self, value: self.__setitem__("kwargs", value))
    options = property(lambda self: self.setdefault("options", {}), lambda self, value: self.__setitem__("options", value))
    subtask_type = property(lambda self: self.get("subtask_type"), lambda self, value: self.__setitem__("subtask_type", value))
    immutable = property(lambda self: bool(self.get("immutable")), lambda self, value: self.__setitem__("immutable", value))
    id = property(lambda self: self.options.get("task_id"))
    root_id = property(lambda self: self.options.get("root_id"), lambda self, value: self.options.__setitem__("root_id", value))
    parent_id = property(lambda self: self.options.get("parent_id"), lambda self, value: self.options.__setitem__("parent_id", value))

    @property
    def name(self) -> str:
        """The task's name."""
        return str(self.get("task"))

    @property
    def app(self) -> Any:
        """The application this signature belongs to; else the current one."""
        return self._app if self._app is not None else current_client()

    @app.setter
    def app(self, value: Any) -> None:
        self._app = value

    @property
    def type(self) -> Any:
        """The task object; NotRegistered (KeyError) when it is not registered here."""
        return self._type if self._type is not None else self.app.tasks[self.name]

    def __call__(self, *partial_args: Any, **partial_kwargs: Any) -> R:
        """Run the task here and now; return what it returns."""
        args, kwargs, _ = self._merge(partial_args, partial_kwargs, None)
        return self.type(*args, **kwargs)  # type: ignore[no-any-return]

    def delay(self, *partial_args: Any, **partial_kwargs: Any) -> AsyncResult[R]:
        """Send the call with more arguments; return its result handle."""
        return self.apply_async(partial_args, partial_kwargs)

    def apply_async(
        self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, route_name: str | None = None, **options: Any
    ) -> AsyncResult[R]:
        """Send the call with more arguments and options; return its result handle."""
        merged_args, merged_kwargs, merged = self._merge(args, kwargs, options)
        if route_name is not None:
            merged["route_name"] = route_name
        return send(self.app, self._type, self.name, merged_args, merged_kwargs, merged)  # type: ignore[no-any-return]

    def apply(self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> EagerResult[R]:
        """Run the call in this process; return an ``EagerResult``."""
        merged_args, merged_kwargs, merged = self._merge(args, kwargs, options)
        return self.type.apply(merged_args, merged_kwargs, **merged)  # type: ignore[no-any-return]

    def clone(self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Self:
        """Return a copy with more arguments (they go before the others) and options."""
        merged_args, merged_kwargs, merged = self._merge(args, kwargs, options)
        fresh: Any = self.__class__.__new__(self.__class__)
        dict.__init__(fresh, self)
        fresh.update(args=tuple(merged_args), kwargs=dict(merged_kwargs), options=deepcopy(merged))
        fresh._app, fresh._type = self._app, self._type
        return fresh  # type: ignore[no-any-return]

    partial = clone

    def replace(self, args: Any = None, kwargs: Any = None, options: Any = None) -> Self:
        """Return a copy in which these take the place of its own."""
        fresh = self.clone()
        for key, value in (("args", args), ("kwargs", kwargs), ("options", options)):
            if value is not None:
                fresh[key] = value
        return fresh

    def set(self, immutable: bool | None = None, **options: Any) -> Self:
        """Set options of this signature; return it."""
        if immutable is not None:
            self.set_immutable(immutable)
        self.options.update(options)
        return self

    def set_immutable(self, immutable: bool) -> None:
        """Say whether further arguments are ignored."""
        self["immutable"] = immutable

    def link(self, callback: Any) -> Any:
        """Call ``callback`` with the result when the task succeeded; return the callback."""
        return self.append_to_list_option("link", callback)

    def link_error(self, errback: Any) -> Any:
        """Call ``errback`` when the task failed; return it."""
        return self.append_to_list_option("link_error", errback)

    def on_error(self, errback: Any) -> Self:
        """As ``link_error``, but return this signature."""
        self.link_error(errback)
        return self

    def append_to_list_option(self, key: str, value: Any) -> Any:
        """Add to an option that is a list, unless it is in it already; return what was added."""
        items = self.options[key] = as_list(self.options.get(key))
        if value not in items:
            items.append(value)
        return value

    def extend_list_option(self, key: str, value: Any) -> None:
        """Add several to an option that is a list."""
        for item in as_list(value):
            self.append_to_list_option(key, item)

    def flatten_links(self) -> list[Any]:
        """Return this signature and all callbacks, recursively."""
        links = (maybe_signature(link, app=self._app) for link in as_list(self.options.get("link")))
        return [self, *(found for link in links for found in link.flatten_links())]

    def freeze(
        self,
        _id: str | None = None,
        group_id: str | None = None,
        chord: Any = None,
        root_id: str | None = None,
        parent_id: str | None = None,
        group_index: int | None = None,
    ) -> Any:
        """Settle the ids of the task, or of all that a workflow comes to, now; return the handle of the result to come."""
        given = {"group_id": group_id, "chord": chord, "root_id": root_id, "parent_id": parent_id, "group_index": group_index}
        return self._settle(_id, {key: value for key, value in given.items() if value is not None})

    _freeze = freeze

    def _settle(self, _id: str | None, given: dict[str, Any]) -> Any:
        """Carry out ``freeze``; ``given`` holds those of its options that were given."""
        options = self.options
        task_id = options.get("task_id") or options.setdefault("task_id", _id or uuid())
        client = self.app
        options.update(given)
        reply_to = getattr(client, "thread_oid", None)
        if reply_to is not None:
            options.setdefault("reply_to", reply_to)
        return client.AsyncResult(task_id)

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return the call as text."""
        merged_args, merged_kwargs, _ = self._merge(args, kwargs, {}, force=True)
        words = [saferepr(arg) for arg in merged_args] + [f"{key}={saferepr(value)}" for key, value in merged_kwargs.items()]
        return f"{self.name}({', '.join(words)})"

    def _merge(
        self, args: Iterable[Any] | None, kwargs: Mapping[str, Any] | None, options: Mapping[str, Any] | None, force: bool = False
    ) -> tuple[Any, Mapping[str, Any], dict[str, Any]]:
        own = self.options
        merged = dict(own)
        for key, value in (options or {}).items():
            if key not in self._IMMUTABLE_OPTIONS or key not in own:
                merged[key] = value
        if options and own.get("stamped_headers") and options.get("stamped_headers"):
            add_stamps(merged, own, options["stamped_headers"])
        if self.immutable and not force:
            return self.args, self.kwargs, merged
        return (
            (*args, *self.args) if args else tuple(self.args),
            {**self.kwargs, **kwargs} if kwargs else self.kwargs,
            merged,
        )

    def stamp(self, visitor: Any = None, append_stamps: bool = False, **headers: Any) -> None:
        """Put stamps on this signature and all below it: those of a ``StampingVisitor``, or the keywords given."""
        stamp(self, visitor, append_stamps, headers)

    def stamp_links(self, visitor: Any, append_stamps: bool = False, **headers: Any) -> None:
        """Put stamps on the callbacks and errbacks."""
        stamp_links(self, visitor, append_stamps, headers)

    @property
    def width(self) -> int:
        """How many parts of a chord this is when it stands in its header."""
        return 1

    @property
    def shape(self) -> Any:
        """How its results are put together for a chord's body: None for a single one, a list where they are one."""
        return None

    def end(self) -> Signature:
        """Return the signature whose result is that of the whole."""
        return self

    def draw(self, style: str = "mermaid") -> str:
        """Return the workflow as a graph: text for Mermaid, or for Graphviz with ``style="dot"``."""
        return draw(self, style)

    def __or__(self, other: Signature[N]) -> chain[N]:  # type: ignore[override]
        of_these: Any = Signature.TYPES["chain"]
        return of_these.of(self, other) if isinstance(other, Signature) else NotImplemented  # type: ignore[no-any-return]

    # A dict's own would put the keys of the one into the other.
    __ior__ = __or__  # type: ignore[assignment]

    if TYPE_CHECKING:

        def __ror__(self, other: Signature[Any]) -> chain[R]: ...  # type: ignore[override]

    def __invert__(self) -> R:
        return self.apply_async().get()

    def __repr__(self) -> str:
        return self.reprcall()

    def __str__(self) -> str:
        return self.reprcall()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        fresh: Any = self.__class__.__new__(self.__class__)
        memo[id(self)] = fresh
        dict.__init__(fresh, {key: deepcopy(value, memo) for key, value in self.items()})
        fresh._app, fresh._type = self._app, self._type
        return fresh  # type: ignore[no-any-return]

    def __copy__(self) -> Self:
        return self.clone()

    def __reduce__(self) -> Any:
        return signature, (dict(self),)


def signature(varies: Any, *args: Any, **kwargs: Any) -> Signature:
    """Return a signature: of a dict, a copy of a signature, or a new one from a task or its name."""
    app = kwargs.pop("app", None)
    if isinstance(varies, Signature):
        fresh = varies.clone()
        if app is not None:
            fresh._app = app
        return fresh
    if isinstance(varies, dict):
        return Signature.from_dict(varies, app=app)
    return Signature(varies, *args, **{"app": app, **kwargs})


subtask = signature


def maybe_signature(d: Any, app: Any = None, clone: bool = False) -> Any:
    """Return a signature of a dict, and other things as they are."""
    if not isinstance(d, dict):
        return d
    found = d if isinstance(d, Signature) else Signature.from_dict(d, app=app)
    if clone and found is d:
        found = found.clone()
    if app is not None:
        found._app = app
    return found
