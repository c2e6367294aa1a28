"""Calls in a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, overload

from celeriac.canvas.algebra import R, Signature, maybe_signature
from celeriac.canvas.chord import chord
from celeriac.canvas.compile import as_list
from celeriac.canvas.group import flattened, group, short_names
from celeriac.canvas.parts import carry_rest
from celeriac.canvas.sending import is_collecting
from celeriac.contracts.current import current_client
from celeriac.lib.saferepr import saferepr
from celeriac.model.errors import CompilationError
from celeriac.results import AsyncResult


@Signature.register_type()
class chain(Signature[R]):
    """Calls one after the other: each gets the result of the one before as its first argument.

    A group that something follows becomes the header of a chord. Where that makes a chord of the whole, ``chain(...)`` returns the chord.
    """

    _steps: list[Signature] | None = None

    def __new__(cls, *tasks: Any, **options: Any) -> Any:
        """Return a chain, or the chord that it comes to."""
        made = _made(cls, _without_nothing(_given(tasks, options.get("app"))))
        return made if isinstance(made, chain) else made.set(**{key: value for key, value in options.items() if key != "app"})

    @classmethod
    def of(cls, *steps: Signature) -> Any:
        """Return a chain, or the chord that it comes to; an empty group hands on the empty list, where ``chain(...)`` leaves it out."""
        made = _made(cls, _given(steps, None))
        if isinstance(made, chain):
            made.__init__()  # type: ignore[misc]
        return made

    if TYPE_CHECKING:
        # The last call says what comes of it. More than five calls are not looked at.
        @overload
        def __init__(self: chain[R], *tasks: *tuple[Signature[R]], **options: Any) -> None: ...
        @overload
        def __init__(self: chain[R], *tasks: *tuple[Signature, Signature[R]], **options: Any) -> None: ...
        @overload
        def __init__(self: chain[R], *tasks: *tuple[Signature, Signature, Signature[R]], **options: Any) -> None: ...
        @overload
        def __init__(self: chain[R], *tasks: *tuple[Signature, Signature, Signature, Signature[R]], **options: Any) -> None: ...
        @overload
        def __init__(self: chain[R], *tasks: *tuple[Signature, Signature, Signature, Signature, Signature[R]], **options: Any) -> None: ...
        @overload
        def __init__(self: chain[Any], *tasks: Any, **options: Any) -> None: ...

    def __init__(self, *tasks: Any, **options: Any) -> None:
        steps, self._steps = self._steps, None
        app = options.pop("app", None)
        super().__init__("celery.chain", (), {"tasks": steps or []}, subtask_type="chain", app=app, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return the chain that a dict describes."""
        options = dict(d.get("options") or {})
        found: Any = cls(*((d.get("kwargs") or {}).get("tasks") or ()), app=app)
        if isinstance(found, chain):
            found["options"] = options
        else:
            found = found.set(**options) if found.get("subtask_type") != "chord" else _onto_chord(found, options)
        if d.get("args"):
            found["args"] = d["args"]
        found["immutable"] = bool(d.get("immutable"))
        made: Signature = found
        return made

    @property
    def tasks(self) -> Any:
        """The steps."""
        return self.kwargs["tasks"]

    @tasks.setter
    def tasks(self, value: Any) -> None:
        self.kwargs["tasks"] = value

    @property
    def app(self) -> Any:
        """The application of the chain, or of its first step; else the current one."""
        if self._app is None and self.tasks:
            return self.tasks[0].app
        return self._app if self._app is not None else current_client()

    @app.setter
    def app(self, value: Any) -> None:
        self._app = value

    @property
    def width(self) -> int:
        """How many parts of a chord it is: those of its last step."""
        return int(self._last.width) if self.tasks else 0

    @property
    def shape(self) -> Any:
        """How its results are put together."""
        return self._last.shape if self.tasks else None

    def end(self) -> Signature:
        """Return the end of the last step."""
        return self._last.end() if self.tasks else self

    @property
    def _last(self) -> Any:
        return to_send(list(self.tasks))[-1]

    def unchain_tasks(self) -> list[Any]:
        """Return copies of the steps, to which the chain's own callbacks and errbacks have been added."""
        steps = [task.clone() for task in self.tasks]
        if steps and self.args:
            steps[0] = steps[0].clone(self.args)
        if steps and self.immutable:
            steps[0].set_immutable(True)
        if steps:
            to_send(list(steps))[-1].extend_list_option("link", self.options.get("link"))
        for step in steps:
            step.extend_list_option("link_error", self.options.get("link_error"))
            for key in ("link", "link_error"):
                if not step.options.get(key, True):
                    del step.options[key]
        return steps

    def clone(self, args: Any = None, kwargs: Any = None, **options: Any) -> Self:
        """Return a copy, whose steps are copies too."""
        fresh = super().clone(args, None, **options)
        steps = [task.clone() for task in self.tasks]
        if kwargs and steps and not self.immutable:
            steps[0] = steps[0].clone(None, kwargs)
        fresh["kwargs"] = {"tasks": steps}
        return fresh

    partial = clone

    def __call__(self, *args: Any, **kwargs: Any) -> AsyncResult[R]:  # type: ignore[override]
        """Send the chain; return the handle of the last result."""
        return self.apply_async(args, kwargs)

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> AsyncResult[R]:
        """Send the first step, which carries the others; return the handle of the last result, whose ``parent`` is the one before."""
        client = self.app
        if not self.tasks:
            return None  # type: ignore[return-value]
        if client.conf.task_always_eager and not is_collecting():
            return self.apply(args, kwargs, **options)  # type: ignore[no-any-return]
        return self.run(args, kwargs, app=client, **options)  # type: ignore[no-any-return]

    def run(
        self,
        args: Any = None,
        kwargs: Any = None,
        *,
        task_id: str | None = None,
        link: Any = None,
        link_error: Any = None,
        root_id: str | None = None,
        parent_id: str | None = None,
        group_id: str | None = None,
        group_index: int | None = None,
        chord: Any = None,
        chain: Any = None,
        app: Any = None,
        **options: Any,
    ) -> Any:
        """As ``apply_async``, never eagerly."""
        local = ("link", "link_error", "task_id", "group_id", "group_index", "chord", "root_id", "parent_id")
        options = {**{key: value for key, value in self.options.items() if key not in local}, **options}
        steps = to_send(self.unchain_tasks())
        if chain:
            steps = joined([*steps, *(maybe_signature(step) for step in reversed(chain))])
        if args or kwargs:
            steps[0] = steps[0].clone(args, kwargs)
        for step in steps:
            step.extend_list_option("link_error", as_list(link_error))
            step.app = app if app is not None else step._app
        steps[-1].extend_list_option("link", as_list(link))
        shared = {"root_id": root_id, "group_id": group_id, "group_index": group_index, "chord": chord}
        given = {key: value if value is not None else self.options.get(key) for key, value in shared.items()}
        result = freeze_steps(steps, task_id or self.options.get("task_id"), **given)
        ids = {"root_id": root_id, "parent_id": parent_id}
        options.update({key: value for key, value in ids.items() if value is not None})
        following = carry_rest(app, steps[1:], _in_a_row) if steps[1:] else None
        sent = steps[0].apply_async(chain=following, **options)
        return result if steps[1:] else sent

    def _settle(self, _id: str | None, given: dict[str, Any]) -> Any:
        self.tasks = to_send(self.unchain_tasks())
        self["args"] = ()
        for key in ("link", "link_error"):
            self.options.pop(key, None)
        result = freeze_steps(self.tasks, _id or self.id, **given)
        self.options["task_id"] = result.id
        return result

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Run all steps in this process; return the last result."""
        last = None
        options.pop("app", None)
        for step in to_send(self.unchain_tasks()):
            result = step.apply(args, kwargs, **options) if last is None else step.apply((last.get(),), **options)
            first = result
            while last is not None and getattr(first, "parent", None) is not None:
                first = first.parent
            first.parent, last = last, result
        return last

    def set_immutable(self, immutable: bool) -> None:
        """Say whether further arguments are ignored: they would go to the first step."""
        self["immutable"] = immutable

    def __repr__(self) -> str:
        if not self.tasks:
            return f"<{type(self).__name__}@{id(self):#x}: empty>"
        return " | ".join(short_names(self.tasks))

    __str__ = __repr__


def joined(steps: Iterable[Signature]) -> list[Signature]:
    """Return steps as they can be sent: a group or chord is only the last of them, what follows one has become a chord's body."""
    found: list[Signature] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(last, group):
            found[-1] = chord(last, step, app=last._app)
        elif isinstance(last, chord):
            longer = last.clone()
            longer.body = step if longer.body is None else chain.of(longer.body, step)
            found[-1] = longer
        else:
            found.append(step)
    return found


def to_send(steps: list[Any]) -> list[Any]:
    """Return steps without an empty group at the end: the result is that of what comes before it."""
    while len(steps) > 1 and is_empty(steps[-1]):
        steps.pop()
    return steps


def freeze_steps(steps: list[Any], last_id: str | None = None, *, parent_id: str | None = None, **shared: Any) -> Any:
    """Settle the ids of a chain's steps; return the last result handle, each handle's ``parent`` being the one before.

    ``shared`` holds root_id, and group_id, group_index and chord, which belong to the last step.
    """
    root_id = shared.pop("root_id", None)
    before = None
    for step in steps[:-1]:
        result = step.freeze(root_id=root_id, parent_id=parent_id)
        result.parent, before, parent_id = before, result, None
    result = steps[-1].freeze(last_id, root_id=root_id, parent_id=parent_id, **shared)
    if before is not None:
        first = result
        while getattr(first, "parent", None) is not None:
            first = first.parent
        first.parent = before
    return result


def _in_a_row(steps: list[Signature]) -> Signature:
    found: Signature = chain(*steps)
    return found


def _made(cls: type[chain[Any]], steps: list[Signature]) -> Any:
    made: Any = dict.__new__(cls)
    made._steps = joined(steps)
    if len(made._steps) == 1 and made._steps[0].get("subtask_type") == "chord":
        return made._steps[0].clone()
    return made


def _without_nothing(steps: list[Signature]) -> list[Signature]:
    """Return the steps without empty groups, unless there is nothing else."""
    return [step for step in steps if not is_empty(step)] or steps[-1:]


def is_empty(step: Signature) -> bool:
    """Whether it is a group without calls; the first call of a generator is read for that."""
    return isinstance(step, group) and (step._first() is None or (step.is_read and not flattened(step.tasks)))


def _given(tasks: Any, app: Any) -> list[Signature]:
    if not tasks:
        return []
    first = tasks[0]
    listed = first if len(tasks) == 1 and not isinstance(first, dict) and first is not None else tasks
    return [step for task in listed for step in _flat(task, app)]


def _flat(task: Any, app: Any) -> list[Signature]:
    if task is None:
        return []
    found = maybe_signature(task, app=app)
    if not isinstance(found, Signature):
        raise CompilationError(f"A chain is made of signatures, not of {type(task).__name__}: {saferepr(task, 80)}. Write task.s(...).")
    return found.unchain_tasks() if isinstance(found, chain) else [found]


def _onto_chord(found: Any, options: Mapping[str, Any]) -> Any:
    """Put a chain's options on the chord that it comes to: its id is that of the body."""
    for key in ("link", "link_error"):
        found.extend_list_option(key, options.get(key))
    if options.get("task_id"):
        found.end().options.setdefault("task_id", options["task_id"])
    return found
