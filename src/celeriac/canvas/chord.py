"""Calls side by side, and one that gets all their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self, overload

from celeriac.canvas.algebra import N, R, Signature, maybe_signature
from celeriac.canvas.compile import Plain, as_list, plain
from celeriac.canvas.group import Sender, alike, flattened, group, member, short_names
from celeriac.canvas.parts import carry
from celeriac.canvas.sending import is_collecting
from celeriac.contracts.backend import AnnouncesChords, AnswersCallers, CountsChords, OpensChords, StoresGroups
from celeriac.contracts.current import current_client
from celeriac.lib.ids import uuid
from celeriac.model.errors import ChordError, CompilationError, UnsupportedPower
from celeriac.model.plan import ChordSize, Plan, ResultNode
from celeriac.results import AsyncResult, EagerResult, GroupResult

_LOCAL = frozenset(
    {"add_to_parent", "root_id", "parent_id", "task_id", "group_id", "group_index", "chord", "interval", "max_retries", "transactional"}
)

E_NO_BACKEND = (
    "A chord needs a result store that counts its parts, and results are disabled: set `result_backend` "
    "(for example 'db+sqlite:///results.sqlite3'), or leave broker_url unset to use the embedded default."
)


@Signature.register_type()
class chord(Signature[R]):
    """A header, whose calls run at the same time, and a body, which is called with the list of their results when all are there."""

    if TYPE_CHECKING:

        @overload
        def __init__(self: chord[R], header: Any, body: Signature[R], **options: Any) -> None: ...
        @overload
        def __init__(self: chord[Any], header: Any = None, body: Any = None, **options: Any) -> None: ...

    def __init__(
        self, header: Any = None, body: Any = None, task: str = "celery.chord", args: Any = None, kwargs: Any = None, app: Any = None, **options: Any
    ) -> None:
        held = {"kwargs": dict(kwargs or {}), "header": _header(header, app), "body": maybe_signature(body, app=app)}
        super().__init__("celery.chord", args, held, subtask_type="chord", app=app, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return the chord that a dict describes."""
        held = d.get("kwargs") or {}
        found = cls(held.get("header"), held.get("body"), args=d.get("args"), kwargs=held.get("kwargs"), app=app, **(d.get("options") or {}))
        found["immutable"] = bool(d.get("immutable"))
        return found

    @property
    def tasks(self) -> Any:
        """The calls of the header."""
        header = self.kwargs["header"]
        return header.tasks if isinstance(header, group) else header

    @tasks.setter
    def tasks(self, value: Any) -> None:
        self.kwargs["header"] = value

    header = tasks

    @property
    def _first(self) -> Signature | None:
        header = self.kwargs["header"]
        if isinstance(header, group):
            return header._first()
        return header[0] if header else None

    @property
    def body(self) -> Any:
        """The call that gets the results."""
        return self.kwargs["body"]

    @body.setter
    def body(self, value: Any) -> None:
        self.kwargs["body"] = value

    @property
    def app(self) -> Any:
        """The application of the chord, of its first call or its body; else the current one."""
        if self._app is not None:
            return self._app
        first = self._first
        if first is not None:
            return first.app
        return self.body.app if self.body is not None else current_client()

    @app.setter
    def app(self, value: Any) -> None:
        self._app = value

    @property
    def width(self) -> int:
        """How many parts of an outer chord it is: those of its body."""
        return 1 if self.body is None else int(self.body.width)

    @property
    def shape(self) -> Any:
        """How its results are put together."""
        return None if self.body is None else self.body.shape

    def end(self) -> Signature:
        """Return the end of the body."""
        found: Signature = self.body.end()
        return found

    # -- sending

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __call__(self, body: None = None, **options: Any) -> AsyncResult[R]: ...
        @overload
        def __call__(self, body: Signature[N], **options: Any) -> AsyncResult[N]: ...
        @overload
        def __call__(self, body: Any, **options: Any) -> AsyncResult[Any]: ...

    def __call__(self, body: Any = None, **options: Any) -> Any:
        """Send the chord, with this body if one is given; return the result of the body."""
        return self.apply_async((), body=body, **options)

    def apply_async(  # type: ignore[override]
        self, args: Any = None, kwargs: Any = None, task_id: str | None = None, body: Any = None, **options: Any
    ) -> AsyncResult[R]:
        """Send the header; return the result of the body, whose ``parent`` is that of the header. The options are those of the body."""
        fresh = self._with_body(body, options.pop("chain", None))
        client = fresh.app
        given = (*(args or ()), *fresh.args)
        if client.conf.task_always_eager and not is_collecting():
            return fresh.apply(given, kwargs, task_id=task_id, **options)  # type: ignore[no-any-return]
        for key in ("producer", "publisher", "connection", "router", "result_cls", "route_name"):
            options.pop(key, None)
        return fresh.run(given, kwargs, task_id, options)  # type: ignore[no-any-return]

    def run(self, args: Any, kwargs: Any, task_id: str | None, options: dict[str, Any]) -> Any:
        """Send this chord, whose body is used up by it."""
        client, body = self.app, self.body
        inherited = self.options.get("stamped_headers")
        if inherited:
            options = {**{key: self.options[key] for key in ("stamped_headers", *inherited) if key in self.options}, **options}
        if body._app is None:
            body._app = client
        for key in ("link", "link_error"):
            body.extend_list_option(key, as_list(options.pop(key, None)))
        body["options"] = body._merge((), None, {key: value for key, value in options.items() if key not in _LOCAL and value is not None})[2]
        outer = {key: options.get(key) for key in ("root_id", "group_id", "chord", "group_index")}
        result = body.freeze(task_id, **outer)
        passed_on = ("root_id", "parent_id", "transactional", "stamped_headers", *as_list(options.get("stamped_headers")))
        shared: dict[str, Any] = {key: options[key] for key in passed_on if options.get(key) is not None}
        shared["add_to_parent"] = False
        given = self.kwargs["header"]
        header = given if isinstance(given, group) else group(given, app=client)
        group_id = self.options.get("task_id") or header.id or uuid()
        waiter = Waiter(client, group_id, body, options)
        results = waiter.send(header, args, {**self.kwargs["kwargs"], **(kwargs or {})}, shared)
        parts: GroupResult[Any] = GroupResult(group_id, results, app=client)
        if not results:
            return _attached(body.apply_async(([],), **shared), parts)
        if options.get("add_to_parent", True) and hasattr(client, "note_child"):
            client.note_child(result)
        return _attached(result, parts)

    def apply(self, args: Any = None, kwargs: Any = None, body: Any = None, **options: Any) -> Any:
        """Run the header, then the body, in this process; return the result of the body."""
        fresh = self._with_body(body, None)
        given = (*(args or ()), *fresh.args) if args is not fresh.args else args
        for key in ("app", "add_to_parent", "task_id") if options.get("task_id") is None else ("app", "add_to_parent"):
            options.pop(key, None)
        parts = group(fresh.tasks, app=fresh.app).apply(given, {**fresh.kwargs["kwargs"], **(kwargs or {})})
        failed = next((part for part in _leaves(parts) if part.state in ("FAILURE", "REVOKED")), None)
        if failed is not None:
            error = chord_error(failed.id, failed.result)
            result_id = fresh.body.freeze(options.get("task_id")).id
            # The errbacks are called as by a worker: by the task that finishes chords.
            fresh.app.tasks["celery.chord_unlock"].apply((parts.id, fresh.body), {"error": error})
            return _attached(EagerResult(result_id, error, "FAILURE", app=fresh.app), parts)
        return _attached(fresh.body.apply((parts.get(disable_sync_subtasks=False),), **options), parts)

    def _settle(self, _id: str | None, given: dict[str, Any]) -> Any:
        if self.body is None:
            raise CompilationError(f"A chord without a body cannot be sent: {self!r}. Write chord(header, body) or chord(header)(body).")
        result = self.body.freeze(_id, **{key: value for key, value in given.items() if key != "parent_id"})
        header = self.kwargs["header"]
        if not isinstance(header, group):
            header = self.kwargs["header"] = group(list(header), app=self.app)
        parts = header.freeze(self.options.get("task_id"), **{key: given[key] for key in ("root_id", "parent_id") if key in given})
        self.options["task_id"] = header.id
        return _attached(result, parts)

    # -- changing

    def clone(self, args: Any = None, kwargs: Any = None, **options: Any) -> Self:
        """Return a copy, header and body copied too."""
        fresh = super().clone(args, None, **options)
        held = self.kwargs
        header = held["header"]
        copied = header.clone() if isinstance(header, group) else [task.clone() for task in header]
        body = held["body"]
        more = {**held["kwargs"], **(kwargs or {})}
        fresh["kwargs"] = {"kwargs": more, "header": copied, "body": None if body is None else body.clone()}
        return fresh

    partial = clone

    def _with_body(self, body: Any, rest: Any) -> Self:
        """Return this chord with a body of its own; the header is shared, since sending it does not change it."""
        fresh = super().clone()
        fresh["kwargs"] = dict(self.kwargs)
        if self.body is not None:
            fresh.body = self.body.clone()
        if body is not None:
            fresh.body = maybe_signature(body).clone()
        if rest:
            fresh.body = Signature.TYPES["chain"](fresh.body, *reversed(rest))
        if fresh.body is None:
            raise CompilationError(f"A chord without a body cannot be sent: {self!r}. Write chord(header, body) or chord(header)(body).")
        return fresh

    def set_immutable(self, immutable: bool) -> None:
        """Say for each call of the header whether further arguments are ignored."""
        given = self.args
        if given:
            self.tasks, self["args"] = [task.clone(given) for task in self.tasks], ()
        for task in self.tasks:
            task.set_immutable(immutable)

    def link(self, callback: Any) -> Any:
        """Call ``callback`` with the result of the body."""
        self.body.link(callback)
        return callback

    def link_error(self, errback: Any) -> Any:
        """Call ``errback`` once when a part or the body has failed."""
        self.body.link_error(errback)
        return errback

    def append_to_list_option(self, key: str, value: Any) -> Any:
        """Callbacks and errbacks are the body's."""
        if key in ("link", "link_error") and self.body is not None:
            return self.body.append_to_list_option(key, value)
        return super().append_to_list_option(key, value)

    def __length_hint__(self) -> int:
        return sum(task.width for task in self.tasks)

    def __repr__(self) -> str:
        header = ", ".join(short_names(self.tasks)) if self.tasks else ""
        return f"<chord without body: [{header}]>" if self.body is None else f"chord([{header}], {self.body!r})"

    __str__ = __repr__


class Waiter:
    """How the body of a chord comes to be called: counted by the result store, or by a task that looks again and again."""

    def __init__(self, client: Any, group_id: str, body: Signature, options: Mapping[str, Any]) -> None:
        self._client = client
        self._group = group_id
        self._body = body
        self._options = options
        self._backend = client.result_backend
        if self._backend is None:
            raise CompilationError(E_NO_BACKEND)
        self._told, self._opens = isinstance(self._backend, AnnouncesChords), isinstance(self._backend, OpensChords)
        self._shaped = False

    def send(self, header: group[Any], args: Any, kwargs: Any, shared: dict[str, Any]) -> list[Any]:
        """Send the header; return the results of its calls.

        One that is read while it is sent is told how large it is before its last calls are sent, which is only possible where the store is told.
        """
        if not self._told:
            header.keys()
        results: list[Any] = []
        sender, size = None, 0
        for members, last in header.portions():
            size += sum(task.width for task in members)
            if sender is None:
                if not members:
                    break
                sender = self._sender(members, size if last else 0, shared)
            elif any(task.shape is not None for task in members):
                raise CompilationError("A chord's header that ends in groups cannot be read while it is sent: give it a list instead of a generator.")
            tells = self._told if last else self._opens and not results
            results += sender.send(members, args, kwargs, partial(self._made_known, size if last else 0) if tells else None)
        self._poll(results)
        return results

    def _sender(self, members: list[Any], size: int, shared: dict[str, Any]) -> Sender:
        client, body = self._client, self._body
        errbacks = body.options.get("link_error") if client.conf.task_allow_error_cb_on_chord_header else None
        if not isinstance(self._backend, CountsChords):
            if isinstance(self._backend, AnswersCallers):
                raise UnsupportedPower("A chord needs a result store that counts its parts, or in which it can be looked whether they are ready")
            return Sender(client, self._group, None, 0, shared, errbacks)
        carried = Plain(carry(client, body if client.keeps_parts else _as_celery_has_it(body)))
        carried["chord_size"] = size
        shape = alike([task.shape for task in members])
        if shape not in (alike([None] * len(members)), None):
            carried["chord_shape"] = shape
            self._shaped = not client.keeps_parts
        return Sender(client, self._group, carried, 0, shared, errbacks)

    def _made_known(self, size: int, results: list[Any]) -> Plan:
        """Return what the store is told before the last calls are sent: the size, and for Celery's workers the tree where it is more than a list."""
        found: GroupResult[Any] = GroupResult(self._group, results, app=self._client)
        tree = (found.record(),) if self._shaped and isinstance(self._backend, StoresGroups) else ()
        tree = tree if size else ()
        return Plan(messages=(), result=ResultNode(self._group), groups=tree, chords=(ChordSize(self._group, size),))

    def _poll(self, results: list[Any]) -> None:
        """Send the task that looks, where the store cannot count."""
        if not results or isinstance(self._backend, CountsChords):
            return
        client, options = self._client, self._options
        interval = options.get("interval") or client.conf.result_chord_retry_interval
        named = {"interval": interval, "max_retries": options.get("max_retries"), "result": [result.as_tuple() for result in results]}
        unlock = Signature("celery.chord_unlock", (self._group, carry(client, self._body)), named, app=client)
        queue = self._body.options.get("queue")
        unlock.apply_async(countdown=interval, ignore_result=True, add_to_parent=False, **({"queue": queue} if queue else {}))


def _as_celery_has_it(body: Signature) -> Signature:
    """Return a chain as its first call, whose message brings the others: workers of Celery's lose the end of one that ends in a chord."""
    if body.get("subtask_type") != "chain" or len(body["kwargs"]["tasks"]) < 2:
        return body
    first, *others = body["kwargs"]["tasks"]
    if first.get("subtask_type") or first.options.get("chain"):
        return body
    made: Signature = first.clone(**chain_options(body))
    made.options["chain"] = [plain(step) for step in reversed(others)]
    return made


def chain_options(body: Signature) -> dict[str, Any]:
    """Return the options of a frozen chain that are those of its first step when it is sent."""
    return {key: value for key, value in body.options.items() if key not in _LOCAL}


def chord_error(part_id: str, error: Any) -> ChordError:
    """Return the error of a chord of which a part has failed."""
    found = ChordError(f"Dependency {part_id} raised {error!r}")
    if isinstance(error, BaseException):
        found.__cause__ = error
    return found


def regrouped(values: Iterator[Any], shape: Any) -> Any:
    """Return the results of a chord's parts as its body gets them: lists where an element of the header ended in a group."""
    if isinstance(shape, dict):
        return [regrouped(values, shape["of"]) for _ in range(shape["times"])]
    return [regrouped(values, part) for part in shape] if isinstance(shape, (list, tuple)) else next(values)


def _header(header: Any, app: Any) -> Any:
    if isinstance(header, Iterator):
        return group(header, app=app)
    if isinstance(header, group) and not header.is_read and not header.args:
        return header
    if isinstance(header, dict) and header.get("subtask_type") == "group":
        found = maybe_signature(header, app=app)
        return found if found.options.get("task_id") else [*(task.clone(found.args) if found.args else task for task in found.tasks)]
    if isinstance(header, dict):
        header = [header]
    return [member(task, app) for task in header or ()]


def _attached(result: Any, parts: Any) -> Any:
    """Return a result at the beginning of whose line of parents stand the header's results."""
    first = result
    while getattr(first, "parent", None) is not None:
        first = first.parent
    first.parent = parts
    return result


def _leaves(result: Any) -> Iterator[Any]:
    children = getattr(result, "results", None)
    if children is None:
        yield result
        return
    for child in children:
        yield from _leaves(child)


__all__ = ["chord", "chord_error", "flattened", "regrouped"]
