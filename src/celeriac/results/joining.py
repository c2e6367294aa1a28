"""Whether waiting for other tasks is allowed here: inside a task it can deadlock a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

E_WOULDBLOCK = (
    "Never call result.get() within a task: a worker whose processes all wait for tasks that wait for a process stands still. "
    "Chain the tasks instead, or, where you know better, use `with allow_join_result():` or get(disable_sync_subtasks=False)."
)

_blocks_here: ContextVar[bool | None] = ContextVar("celeriac_join_blocks", default=None)
_inside_task: list[Callable[[], bool]] = []


def tell_inside_task(ask: Callable[[], bool]) -> None:
    """Say how to find out whether the code that asks runs inside a task of a worker."""
    _inside_task[:] = [ask]


def join_will_block() -> bool:
    """Return whether waiting for results is refused here."""
    here = _blocks_here.get()
    return any(ask() for ask in _inside_task) if here is None else here


def assert_will_not_block() -> None:
    """Raise RuntimeError where waiting for results is refused."""
    if join_will_block():
        raise RuntimeError(E_WOULDBLOCK)


@contextmanager
def _joining(blocks: bool) -> Iterator[None]:
    token = _blocks_here.set(blocks)
    try:
        yield
    finally:
        _blocks_here.reset(token)


@contextmanager
def allow_join_result() -> Iterator[None]:
    """Allow waiting for results for a while, also inside a task."""
    with _joining(False):
        yield


@contextmanager
def denied_join_result() -> Iterator[None]:
    """Refuse waiting for results for a while."""
    with _joining(True):
        yield
