"""An object that stands for another that is looked up each time: the current application, the current task, a shared task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Proxy:
    """Behaves as what ``find()`` returns at the moment."""

    __slots__ = ("__dict__", "_find")

    def __init__(self, find: Callable[[], Any]) -> None:
        object.__setattr__(self, "_find", find)

    def _get_current_object(self) -> Any:
        return object.__getattribute__(self, "_find")()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._get_current_object(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._get_current_object(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._get_current_object(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._get_current_object()(*args, **kwargs)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._get_current_object().__class__

    @property
    def __wrapped__(self) -> Any:
        return self._get_current_object().__wrapped__

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return self._get_current_object().__doc__

    @property
    def __name__(self) -> Any:
        return self._get_current_object().__name__

    @property
    def __module__(self) -> Any:  # type: ignore[override]
        return self._get_current_object().__module__

    def __repr__(self) -> str:
        return repr(self._get_current_object())

    def __str__(self) -> str:
        return str(self._get_current_object())

    def __bool__(self) -> bool:
        return bool(self._get_current_object())

    def __eq__(self, other: object) -> bool:
        return bool(self._get_current_object() == other)

    def __hash__(self) -> int:
        return hash(self._get_current_object())

    def __dir__(self) -> list[str]:
        return dir(self._get_current_object())

    def __getitem__(self, key: Any) -> Any:
        return self._get_current_object()[key]

    def __iter__(self) -> Any:
        return iter(self._get_current_object())

    def __len__(self) -> int:
        return len(self._get_current_object())

    def __contains__(self, item: Any) -> bool:
        return item in self._get_current_object()

    def __or__(self, other: Any) -> Any:
        return self._get_current_object() | other

    def __reduce__(self) -> Any:
        return self._get_current_object().__reduce__()


class CallProxy(Proxy):
    """Celery's ``Proxy``: stands for what ``local(*args, **kwargs)`` returns at the moment."""

    __slots__ = ()

    def __init__(
        self, local: Callable[..., Any], args: tuple[Any, ...] | None = None, kwargs: dict[str, Any] | None = None, name: str | None = None
    ) -> None:
        super().__init__(lambda: local(*(args or ()), **(kwargs or {})))


def maybe_evaluate(obj: Any) -> Any:
    """Return what a proxy stands for; other objects as they are."""
    return obj._get_current_object() if issubclass(type(obj), Proxy) else obj
