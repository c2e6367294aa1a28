"""One message, many calls: the calls run one after the other, in one task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Self

from celeriac.canvas.algebra import Signature, maybe_signature
from celeriac.canvas.group import group


class _Mapped(Signature):
    _task_name: str
    _star = ""

    def __init__(self, task: Any = None, it: Iterable[Any] | None = None, app: Any = None, **options: Any) -> None:
        held = maybe_signature(task, app=app) if isinstance(task, dict) else Signature(task, app=app)
        items = it if isinstance(it, (list, tuple)) else list(it or ())
        super().__init__(self._task_name, (), {"task": held, "it": items}, immutable=True, app=app, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return what a dict describes."""
        found = cls(d["kwargs"]["task"], d["kwargs"]["it"], app=app, **(d.get("options") or {}))
        dict.update(found, {key: value for key, value in d.items() if key not in ("kwargs", "options")})
        return found

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> Any:
        """Send the message; return the handle of the list of results."""
        return super().apply_async(args, kwargs, route_name or self.kwargs["task"].get("task"), **options)

    def __repr__(self) -> str:
        return f"[{self.kwargs['task'].name}({self._star}x) for x in {self.kwargs['it']!r}]"

    __str__ = __repr__


@Signature.register_type()
class xmap(_Mapped):
    """Calls a task with each item."""

    _task_name = "celery.map"


@Signature.register_type()
class xstarmap(_Mapped):
    """Calls a task with the elements of each item as its arguments."""

    _task_name = "celery.starmap"
    _star = "*"


@Signature.register_type()
class chunks(Signature):
    """A ``starmap`` cut into pieces of ``n`` items, each a message of its own."""

    def __init__(self, task: Any = None, it: Iterable[Any] | None = None, n: int = 1, app: Any = None, **options: Any) -> None:
        held = maybe_signature(task, app=app) if isinstance(task, dict) else Signature(task, app=app)
        items = it if isinstance(it, (list, tuple)) else list(it or ())
        super().__init__("celery.chunks", (), {"task": held, "it": items, "n": n}, immutable=True, app=app, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Any = None) -> Signature:
        """Return what a dict describes."""
        held = d["kwargs"]
        found = cls(held["task"], held["it"], held["n"], app=app, **(d.get("options") or {}))
        dict.update(found, {key: value for key, value in d.items() if key not in ("kwargs", "options")})
        return found

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Send the pieces; return their results as one."""
        return self.apply_async(**options)

    def apply_async(self, args: Any = None, kwargs: Any = None, route_name: str | None = None, **options: Any) -> Any:
        """Send the pieces; return their results as one. As a step of a chain it is one message, whose task sends the pieces."""
        if self.options.get("task_id"):
            return super().apply_async(args, kwargs, route_name, **options)
        pieces = self.group()
        route = route_name or self.kwargs["task"].get("task")
        return pieces.apply_async((), {}, **{**self.options, **options, "route_name": route})

    def apply(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Run the pieces in this process; return their results as one."""
        return self.group().apply((), {}, **options)

    def group(self) -> Any:
        """Return the pieces as a group."""
        task, size = self.kwargs["task"], self.kwargs["n"]
        return group([xstarmap(task, piece, app=self._app) for piece in _pieces(self.kwargs["it"], size)], app=self._app)

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> Any:
        """Return the pieces as a group whose calls begin one after the other."""
        return self.group().skew(start, stop, step)

    @classmethod
    def apply_chunks(cls, task: Any, it: Iterable[Any], n: int, app: Any = None) -> Any:
        """Send the pieces; return their results as one."""
        return cls(task, it, n, app=app)()

    def clone(self, args: Any = None, kwargs: Any = None, **options: Any) -> Self:
        """Return a copy with more options."""
        return super().clone(None, None, **options)


def _pieces(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece
