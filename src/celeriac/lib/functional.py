"""Functions about functions and iterables, under the names that programs know from Celery."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
_MISSING = object()


class LRUCache(OrderedDict[Any, Any]):
    """A dict that keeps the ``limit`` keys that were used last; safe between threads."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit
        self._lock = threading.RLock()

    def __getitem__(self, key: Any) -> Any:
        with self._lock:
            value = super().__getitem__(key)
            self.move_to_end(key)
            return value

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, which counts as a use."""
        with self._lock:
            return self[key] if key in self else default  # noqa: SIM401 (get is what is defined here)

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._lock:
            super().__setitem__(key, value)
            self.move_to_end(key)
            while self.limit and len(self) > self.limit:
                super().__delitem__(next(iter(self)))

    def incr(self, key: Any, delta: int = 1) -> int:
        """Add to a number that may be kept as text, as memcached does."""
        with self._lock:
            number = int(super().__getitem__(key)) + delta
            self[key] = str(number)
            return number

    def __reduce__(self) -> Any:
        return type(self), (self.limit,), None, None, iter(list(self.items()))


class lazy:
    """A call that is made when its value is asked for, each time: ``lazy(f, 2)()`` is ``f(2)``."""

    def __init__(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._call = (fun, args, kwargs)

    def evaluate(self) -> Any:
        """Make the call."""
        fun, args, kwargs = self._call
        return fun(*args, **kwargs)

    def __call__(self) -> Any:
        return self.evaluate()

    def __str__(self) -> str:
        return str(self())

    def __repr__(self) -> str:
        return repr(self())

    def __eq__(self, other: object) -> bool:
        return bool(self() == other)

    def __hash__(self) -> int:
        return hash(self())


class mlazy(lazy):
    """A call that is made once, when its value is first asked for."""

    evaluated = False
    _value: Any = None

    def evaluate(self) -> Any:
        if not self.evaluated:
            self._value = super().evaluate()
            self.evaluated = True
        return self._value


class regen(list[Any]):
    """The items of an iterable, which is read once, as a list."""

    def __init__(self, it: Iterable[Any]) -> None:
        super().__init__(it)


def maybe_evaluate(value: Any) -> Any:
    """Return the value of a ``lazy``; others as they are."""
    return value.evaluate() if isinstance(value, lazy) else value


def is_list(obj: Any, scalars: tuple[type, ...] = (Mapping, str), iters: tuple[type, ...] = (Iterable,)) -> bool:
    """Tell whether an object holds several: iterable, and neither text nor mapping."""
    return isinstance(obj, iters) and not isinstance(obj, scalars)


def maybe_list(obj: Any, scalars: tuple[type, ...] = (Mapping, str)) -> Any:
    """Return a list of one where there is one; None and iterables as they are."""
    return obj if obj is None or is_list(obj, scalars) else [obj]


def maybe(typ: Callable[[Any], T], val: Any) -> T | None:
    """Call ``typ`` with a value unless it is None."""
    return None if val is None else typ(val)


def noop(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def first(predicate: Callable[[Any], Any] | None, it: Iterable[T]) -> T | None:
    """Return the first item that fulfils a condition (by default: is not None), or None."""
    return next((item for item in it if (item is not None if predicate is None else predicate(item))), None)


def firstmethod(method: str, on_call: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return a function that calls a method of one object after the other, and returns the first answer that is not None."""

    def ask(it: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        for obj in it:
            bound = getattr(maybe_evaluate(obj), method)
            answer = bound(*args, **kwargs) if on_call is None else on_call(bound, *args, **kwargs)
            if answer is not None:
                return answer
        return None

    return ask


def chunks(it: Iterable[T], n: int) -> Iterator[list[T]]:
    """Cut an iterable into lists of n items."""
    source = iter(it)
    while part := list(islice(source, n)):
        yield part


def padlist(container: Iterable[T], size: int, default: Any = None) -> list[T | Any]:
    """Return ``size`` items, the missing ones as ``default``: ``first, second = padlist(["a"], 2)``."""
    items = list(islice(container, size))
    return [*items, *[default] * (size - len(items))]


def mattrgetter(*attrs: str) -> Callable[[Any], dict[str, Any]]:
    """Return a function that makes a dict of an object's attributes; missing ones are None."""
    return lambda obj: {attr: getattr(obj, attr, None) for attr in attrs}


def uniq(it: Iterable[T]) -> Iterator[T]:
    """Yield the items, each once, in their order."""
    yield from dict.fromkeys(it)


def dictfilter(d: Mapping[str, Any] | None = None, **kw: Any) -> dict[str, Any]:
    """Return a dict without the keys whose value is None."""
    return {key: value for key, value in {**(d or {}), **kw}.items() if value is not None}


def memoize(maxsize: int | None = None, keyfun: Callable[..., Any] | None = None, Cache: Callable[..., Any] = LRUCache) -> Callable[..., Any]:
    """Remember what a function returned for its arguments; ``keyfun(args, kwargs)`` says which are the same."""

    def decorate(fun: Callable[..., Any]) -> Callable[..., Any]:
        cache = Cache(limit=maxsize)

        @wraps(fun)
        def remembered(*args: Any, **kwargs: Any) -> Any:
            key = keyfun(args, kwargs) if keyfun else (args, *sorted(kwargs.items()))
            value = cache.get(key, _MISSING)
            if value is _MISSING:
                value = cache[key] = fun(*args, **kwargs)
            return value

        remembered.clear = cache.clear  # type: ignore[attr-defined]
        return remembered

    return decorate


def fun_accepts_kwargs(fun: Callable[..., Any]) -> bool:
    """Tell whether a function takes any keyword arguments (``**kwargs``)."""
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in inspect.signature(fun).parameters.values())
