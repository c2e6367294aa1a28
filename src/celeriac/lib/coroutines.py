"""Running coroutines from synchronous code, one event loop a thread, kept between runs."""

from __future__ import annotations

import threading
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar, cast

T = TypeVar("T")

_kept = threading.local()


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result.

    An exception that a signal handler raises while the loop waits is raised inside the coroutine, at its ``await``.
    """
    # Importing asyncio takes 20 ms, which programs without coroutines need not wait for.
    import asyncio  # noqa: PLC0415

    runner: asyncio.Runner | None = getattr(_kept, "runner", None)
    if runner is None:
        runner = _kept.runner = asyncio.Runner()
    loop = runner.get_loop()
    reachable = Reachable(coroutine)
    asyncio.set_event_loop(loop)
    task: asyncio.Task[T] = loop.create_task(reachable)
    while True:
        try:
            return loop.run_until_complete(task)
        except BaseException as error:
            if task.done():
                raise
            reachable.raise_inside(error)
            task.cancel()
            task.uncancel()


class Reachable(Coroutine[Any, Any, T]):
    """A coroutine into which another exception can be thrown than the one that a cancelled task throws."""

    def __init__(self, inner: Coroutine[Any, Any, T]) -> None:
        self._inner = inner
        self._error: BaseException | None = None

    def raise_inside(self, error: BaseException) -> None:
        """Throw this when the coroutine is resumed next; whoever calls also cancels its task, and takes that back, to have it resumed."""
        self._error = error

    def send(self, value: Any) -> Any:
        if self._error is not None:
            return self.throw(self._error)
        return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        if self._error is not None:
            error, self._error = (self._error,), None
        return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, T]:
        # Itself, not the inner one's: what is thrown into the coroutine that awaits has to pass through here.
        return cast("Generator[Any, Any, T]", self)

    def __iter__(self) -> Reachable[T]:
        return self

    def __next__(self) -> Any:
        return self.send(None)
