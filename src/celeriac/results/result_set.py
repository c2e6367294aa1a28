"""Several results held as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from celeriac.contracts.current import current_client
from celeriac.model import errors, states
from celeriac.results.async_result import AsyncResult
from celeriac.results.eager_result import EagerResult
from celeriac.results.joining import assert_will_not_block
from celeriac.results.revoking import revoke
from celeriac.results.tree import ResultBase
from celeriac.results.waiting import clock_of, wait_for

R = TypeVar("R")


class ResultSet(ResultBase, Generic[R]):
    """Several results, in order."""

    app: Any = None

    def __init__(self, results: Iterable[Any], app: Any = None, ready_barrier: Any = None, **_ignored: Any) -> None:
        if app is not None:
            self.app = app
        self.results: list[Any] = list(results)
        self._on_full: list[Callable[[Any], Any]] = []

    @property
    def _client(self) -> Any:
        return self.app if self.app is not None else current_client()

    def add(self, result: Any) -> None:
        """Add a result, unless it is in already."""
        if result not in self.results:
            self.results.append(result)

    def remove(self, result: Any) -> None:
        """Remove a result or id; raise KeyError when it is not in."""
        wanted = AsyncResult(result) if isinstance(result, str) else result
        try:
            self.results.remove(wanted)
        except ValueError:
            raise KeyError(result) from None

    def discard(self, result: Any) -> None:
        """Remove a result if it is in."""
        if result in self.results:
            self.results.remove(result)

    def update(self, results: Iterable[Any]) -> None:
        """Add several results."""
        for result in results:
            self.add(result)

    def clear(self) -> None:
        """Remove all results."""
        self.results.clear()

    def successful(self) -> bool:
        """Return whether all tasks returned."""
        return all(result.successful() for result in self.results)

    def failed(self) -> bool:
        """Return whether any task raised."""
        return any(result.failed() for result in self.results)

    def waiting(self) -> bool:
        """Return whether any task has not ended."""
        return any(not result.ready() for result in self.results)

    def ready(self) -> bool:
        """Return whether all tasks have ended."""
        return all(result.ready() for result in self.results)

    def completed_count(self) -> int:
        """Return how many tasks returned."""
        return sum(result.successful() for result in self.results)

    def maybe_throw(self, callback: Callable[..., Any] | None = None, propagate: bool = True) -> None:
        """Raise the exception of the first task that failed."""
        for result in self.results:
            result.maybe_throw(callback=callback, propagate=propagate)

    maybe_reraise = maybe_throw

    def forget(self) -> None:
        """Remove what the store knows of all of these tasks."""
        for result in self.results:
            result.forget()

    def revoke(
        self, connection: Any = None, terminate: bool = False, signal: str | None = None, wait: bool = False, timeout: float | None = None
    ) -> Any:
        """Let these tasks never start; ``terminate`` also ends those that run."""
        return revoke(self._client, [result.id for result in self.results], terminate=terminate, signal=signal, wait=wait, timeout=timeout)

    @property
    def supports_native_join(self) -> bool:
        """Whether all results come from one store."""
        return bool(self.results) and all(isinstance(r, AsyncResult) and not isinstance(r, EagerResult) for r in self.results)

    @property
    def backend(self) -> Any:
        """The store."""
        return self.results[0].backend if self.results else self._client.result_backend

    @property
    def _monotonic(self) -> Callable[[], float]:
        return clock_of(self.backend if self.supports_native_join else None)

    def then(self, callback: Callable[[Any], Any], on_error: Callable[[Any], Any] | None = None, weak: bool = False) -> Any:
        """Call ``callback(self)`` once a join has found all tasks ended, at once when they are."""
        if self.ready():
            callback(self)
        else:
            self._on_full.append(callback)
        return self

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        callback: Callable[[str, Any], Any] | None = None,
        no_ack: bool = True,
        on_message: Callable[[Any], Any] | None = None,
        disable_sync_subtasks: bool = True,
        on_interval: Callable[[], Any] | None = None,
    ) -> list[R]:
        """Wait for all tasks; return their results in order, or raise the exception of the first in order that failed.

        ``timeout`` and ``interval`` are seconds. Raises TimeoutError.
        """
        if disable_sync_subtasks:
            assert_will_not_block()
        monotonic = self._monotonic
        deadline = None if timeout is None else monotonic() + timeout
        if self.supports_native_join:
            self._await_all(deadline, interval, on_message, on_interval, propagate)
        values = []
        for result in self.results:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            value = result.get(timeout=left, propagate=propagate, interval=interval, disable_sync_subtasks=False)
            if callback is not None:
                callback(result.id, value)
            values.append(value)
        callbacks, self._on_full = self._on_full, []
        for full in callbacks:
            full(self)
        return [] if callback is not None else values

    def join(self, *args: Any, on_error: Callable[[str, Any], Any] | None = None, **options: Any) -> list[Any]:
        """Wait for all tasks; as ``get``."""
        return self.get(*args, **options)

    join_native = join

    def _await_all(
        self,
        deadline: float | None,
        interval: float,
        on_message: Callable[[Any], Any] | None,
        on_interval: Callable[[], Any] | None,
        propagate: bool,
    ) -> None:
        for _, meta in self._arrivals(deadline, interval, on_interval):
            if on_message is not None:
                on_message(meta)
            if propagate and meta.state in states.PROPAGATE_STATES:
                return

    def _arrivals(
        self, deadline: float | None, interval: float, on_interval: Callable[[], Any] | None = None
    ) -> Iterator[tuple[Any, Any]]:
        monotonic = self._monotonic
        left: dict[str, Any] = {result.id: result for result in self.results if result._cache is None}
        while left:
            pending = None if deadline is None else max(0.0, deadline - monotonic())
            ready = wait_for(self.backend, list(left), timeout=pending, interval=interval, tick=on_interval)
            if not ready:
                raise errors.TimeoutError(f"{len(left)} of {len(self.results)} tasks were not ready in time, among them {next(iter(left))}.")
            for id, record in ready.items():
                result = left.pop(id)
                yield result, result._remember(self._client.decode_result(record))

    def iter_native(self, timeout: float | None = None, interval: float = 0.5, **_ignored: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (id, meta) of the tasks in the order in which they end; meta has status and result."""
        deadline = None if timeout is None else self._monotonic() + timeout
        known = [result for result in self.results if result._cache is not None]
        for result in known:
            yield result.id, _meta_dict(result._cache)
        for result, meta in self._arrivals(deadline, interval):
            yield result.id, _meta_dict(meta)

    async def aget(self, timeout: float | None = None, propagate: bool = True) -> list[Any]:
        """Wait for all tasks without blocking the event loop; as ``get``."""
        monotonic = self._monotonic
        deadline = None if timeout is None else monotonic() + timeout
        values = []
        for result in self.results:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            values.append(await result.aget(timeout=left, propagate=propagate))
        return values

    def __await__(self) -> Any:
        return self.aget().__await__()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.results)

    def __getitem__(self, index: int) -> Any:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __eq__(self, other: object) -> bool:
        return other.results == self.results if isinstance(other, ResultSet) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: [{', '.join(str(result.id) for result in self.results)}]>"


def _meta_dict(meta: Any) -> dict[str, Any]:
    return {"task_id": meta.id, "status": meta.state, "result": meta.result, "traceback": meta.traceback, "children": meta.children}
