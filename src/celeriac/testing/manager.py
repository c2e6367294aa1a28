"""Waiting for what workers do, in integration tests of a deployment."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TextIO

from celeriac.model import errors, states
from celeriac.results import ResultSet

_IN_PROGRESS = frozenset({states.STARTED, *states.READY_STATES})


class ManagerMixin:
    """Waits and assertions; asks of its class an attribute ``app``."""

    app: Any
    block_timeout: float
    stdout: TextIO
    stderr: TextIO

    def remark(self, text: str, sep: str = "-") -> None:
        """Write a line to ``stdout``."""
        print(f"{sep}{text}", file=self.stdout)

    def missing_results(self, results: Iterable[Any]) -> Sequence[str]:
        """Return the ids of results that the store does not hold yet."""
        return [result.id for result in results if not result.exists()]

    def wait_for(
        self,
        fun: Callable[..., Any],
        catch: Any,
        desc: str = "thing",
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        errback: Callable[[BaseException, float, int], Any] | None = None,
        max_retries: int | None = 10,
        interval_start: float = 0.1,
        interval_step: float = 0.5,
        interval_max: float = 5.0,
        emit_warning: bool = False,
        **options: Any,
    ) -> Any:
        """Call a function until it raises none of ``catch``, with growing pauses (seconds); return what it returns. Raises the last error."""
        tries = 0
        while True:
            try:
                return fun(*args, **(kwargs or {}))
            except catch as error:
                if max_retries is not None and tries >= max_retries:
                    raise
                pause = min(interval_start + interval_step * tries, interval_max)
                tries += 1
                if errback is not None:
                    errback(error, pause, tries)
                if emit_warning:
                    print(f"Waiting for {desc}, again in {pause:g} s: {error!r}", file=self.stderr)
            time.sleep(pause)

    retry_over_time = wait_for

    def ensure_not_for_a_while(
        self,
        fun: Callable[[], Any],
        catch: Any,
        desc: str = "thing",
        max_retries: int = 20,
        interval_start: float = 0.1,
        interval_step: float = 0.02,
        interval_max: float = 1.0,
        emit_warning: bool = False,
        **options: Any,
    ) -> None:
        """Raise AssertionError as soon as a function raises none of ``catch`` within so many tries."""
        pauses = {"interval_start": interval_start, "interval_step": interval_step, "interval_max": interval_max}
        try:
            self.wait_for(fun, catch, desc, max_retries=max_retries, emit_warning=emit_warning, **pauses)  # type: ignore[arg-type]
        except catch:
            return
        raise AssertionError(f"It was not to happen, and it did: {desc}")

    def join(self, r: Any, propagate: bool = False, max_retries: int = 10, **kwargs: Any) -> Any:
        """Wait for results (one, several, or a set) and return their values; AssertionError when they do not come."""
        results = r if isinstance(r, ResultSet) else ResultSet(list(r) if isinstance(r, (list, tuple)) else [r], app=self.app)
        kwargs.setdefault("timeout", self.block_timeout / max(1, max_retries))
        for _ in range(max(1, max_retries)):
            try:
                return results.get(propagate=propagate, **kwargs)
            except errors.TimeoutError:
                self.remark(f"still waiting for {len(self.missing_results(results))}/{len(results)} results", "!")
        raise AssertionError(f"The tasks were not ready in time: {', '.join(self.missing_results(results)) or 'all have some state'}")

    def inspect(self, timeout: float = 3.0) -> Any:
        """Return ``app.control.inspect`` with a timeout (seconds)."""
        return self.app.control.inspect(timeout=timeout)

    def query_tasks(self, ids: Collection[str], timeout: float = 0.5) -> Iterable[tuple[str, Any]]:
        """Yield (worker, what it knows of these tasks)."""
        yield from (self.inspect(timeout).query_task(*ids) or {}).items()

    def query_task_states(self, ids: Collection[str], timeout: float = 0.5) -> dict[str, set[str]]:
        """Return the ids that workers know by what they say of them: ``active``, ``reserved`` ..."""
        found: dict[str, set[str]] = defaultdict(set)
        for _, tasks in self.query_tasks(ids, timeout):
            for id, (state, _) in tasks.items():
                found[state].add(id)
        return found

    def is_accepted(self, ids: Collection[str], **kwargs: Any) -> bool:
        """Say whether all of these tasks run somewhere."""
        return set(ids) <= self.query_task_states(ids, **kwargs)["active"]

    def is_received(self, ids: Collection[str], **kwargs: Any) -> bool:
        """Say whether all of these tasks run or wait in some worker."""
        known = self.query_task_states(ids, **kwargs)
        return set(ids) <= known["active"] | known["reserved"] | known["scheduled"]

    @staticmethod
    def is_result_task_in_progress(results: Iterable[Any], **kwargs: Any) -> bool:
        """Say whether all of these tasks have begun, as their states tell."""
        return all(result.state in _IN_PROGRESS for result in results)

    def assert_accepted(self, ids: Collection[str], interval: float = 0.5, desc: str = "tasks are accepted", **policy: Any) -> Any:
        """Wait until all of these tasks run."""
        return self.assert_task_worker_state(self.is_accepted, ids, interval=interval, desc=desc, **policy)

    def assert_received(self, ids: Collection[str], interval: float = 0.5, desc: str = "tasks are received", **policy: Any) -> Any:
        """Wait until all of these tasks are in some worker's hands."""
        return self.assert_task_worker_state(self.is_received, ids, interval=interval, desc=desc, **policy)

    def assert_task_worker_state(self, fun: Callable[..., bool], ids: Collection[str], interval: float = 0.5, **policy: Any) -> Any:
        """Wait until a function of ids (with ``timeout``) is true."""
        return self.wait_for(self.true_or_raise, AssertionError, args=(fun, ids), kwargs={"timeout": interval}, **policy)

    def assert_result_tasks_in_progress_or_completed(
        self, async_results: Iterable[Any], interval: float = 0.5, desc: str = "tasks have begun", **policy: Any
    ) -> Any:
        """Wait until all of these tasks have begun."""
        return self.assert_task_state_from_result(self.is_result_task_in_progress, list(async_results), interval=interval, desc=desc, **policy)

    def assert_task_state_from_result(self, fun: Callable[..., bool], results: Iterable[Any], interval: float = 0.5, **policy: Any) -> Any:
        """Wait until a function of results is true."""
        return self.wait_for(self.true_or_raise, AssertionError, args=(fun, results), kwargs={"timeout": interval}, **policy)

    def true_or_raise(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what a function returns; AssertionError when that is nothing."""
        found = fun(*args, **kwargs)
        if not found:
            raise AssertionError(f"{getattr(fun, '__name__', fun)} is not true yet")
        return found

    def wait_until_idle(self, **policy: Any) -> None:
        """Wait until no worker runs or holds a task."""
        self.wait_for(self.true_or_raise, AssertionError, "workers are idle", args=(self._idle,), **policy)

    def _idle(self) -> bool:
        inspect = self.inspect()
        return not any(tasks for told in (inspect.active(), inspect.reserved()) for tasks in (told or {}).values())


class Manager(ManagerMixin):
    """Waits for the workers of an application. ``block_timeout`` (seconds) bounds ``join``."""

    def __init__(
        self, app: Any, block_timeout: float = 1800.0, no_join: bool = False, stdout: TextIO | None = None, stderr: TextIO | None = None
    ) -> None:
        self.app = app
        self.block_timeout = block_timeout
        self.no_join = no_join
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
