"""Which application is the current one: what signatures and results use when none was named.

An application made current in a thread or asyncio task counts there; elsewhere the one that was made current last in the process does.
The app package registers how to make one when there is none at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any

_here: ContextVar[Any] = ContextVar("celeriac_current_client", default=None)
_fallback: list[Callable[[], Any]] = []
_last: list[Any] = []


def current_client() -> Any:
    """Return the current application (a ``Client``), making the default one when there is none."""
    found = _here.get()
    if found is not None:
        return found
    if _last:
        return _last[0]
    return _fallback[0]() if _fallback else None


def present_client() -> Any:
    """Return the current application, or None when there is none yet."""
    found = _here.get()
    return found if found is not None else (_last[0] if _last else None)


def set_current_client(client: Any) -> None:
    """Make an application the current one, here and for threads that have none of their own; None leaves no current one."""
    _here.set(client)
    _last[:] = [] if client is None else [client]


def enter_client(client: Any) -> Token[Any]:
    """Make an application the current one here only, until ``leave_client``."""
    return _here.set(client)


def leave_client(token: Token[Any]) -> None:
    """Undo ``enter_client``."""
    _here.reset(token)


def set_fallback(make: Callable[[], Any]) -> None:
    """Say how to make the default application."""
    _fallback[:] = [make]
