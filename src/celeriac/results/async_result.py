"""What the caller of a task holds: its id, and the way to its state and result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from celeriac.contracts.backend import ResultBackend
from celeriac.contracts.current import current_client
from celeriac.lib import deadline as limits
from celeriac.model import errors, states
from celeriac.model.record import ResultMeta
from celeriac.results.joining import assert_will_not_block
from celeriac.results.remote_frames import frames_of
from celeriac.results.revoking import revoke, revoke_by_stamps
from celeriac.results.tree import ResultBase, builders, result_from_tuple, walk
from celeriac.results.waiting import arrival, clock_of, ready_among, wait_for

R_co = TypeVar("R_co", covariant=True)

PARENTS = 0.5
"""Seconds between two looks at the steps before the one that is waited for."""
LAST_LOOK = 0.2
"""Seconds that a store which is asked for the last time, when the time is over, has to answer."""

LONGEST = 1e9

E_NO_BACKEND = (
    "No result backend is configured: states and results of tasks are not kept. Set `result_backend` (for example "
    "result_backend='db+sqlite:///results.sqlite3'), or leave broker_url unset to use the embedded default, which keeps results."
)


class NoResultBackend(errors.ImproperlyConfigured, NotImplementedError):
    """A state or result was asked for and no result backend is configured."""


class AsyncResult(ResultBase, Generic[R_co]):
    """The state and result of one task; the store is asked when something is read, and what is final is remembered."""

    app: Any = None
    TimeoutError = errors.TimeoutError

    def __init__(
        self, id: str, backend: ResultBackend | None = None, task_name: str | None = None, app: Any = None, parent: Any = None
    ) -> None:
        if id is None:
            raise ValueError(f"AsyncResult requires a task id, not {id!r}")
        self.id = id
        if app is not None:
            self.app = app
        self.parent = parent
        self.task_name = task_name
        self._backend = backend
        self._cache: ResultMeta | None = None
        self._ignored: bool | None = None
        self._on_ready: tuple[Callable[[Any], Any], ...] = ()

    # -- where it is kept

    @property
    def backend(self) -> ResultBackend:
        """The store; raises ``NoResultBackend`` when there is none."""
        found = self._backend or self._client.result_backend
        if found is None:
            raise NoResultBackend(E_NO_BACKEND)
        return cast(ResultBackend, found)

    @property
    def _client(self) -> Any:
        if self.app is None:
            self.app = current_client()
        return self.app

    @property
    def task_id(self) -> str:
        """The id of the task."""
        return self.id

    def _get_task_meta(self) -> ResultMeta:
        if self._cache is None:
            record = self.backend.load((self.id,)).get(self.id)
            meta = ResultMeta(self.id, states.PENDING) if record is None else self._client.decode_result(record)
            return self._remember(meta)
        return self._cache

    def _remember(self, meta: ResultMeta) -> ResultMeta:
        if meta.state in states.READY_STATES:
            self._cache = meta
            callbacks, self._on_ready = self._on_ready, ()
            for callback in callbacks:
                callback(self)
        return meta

    def know(self, meta: ResultMeta) -> "AsyncResult[R_co]":
        """Take over a task-meta that is known already; return this result."""
        self._remember(meta)
        return self

    # -- what is known of it

    @property
    def state(self) -> str:
        """The state of the task; PENDING when nothing is known of it."""
        return states.IGNORED if self.ignored else self._get_task_meta().state

    status = state

    @property
    def result(self) -> Any:
        """The return value, or the exception of a task that failed."""
        return None if self.ignored else self._get_task_meta().result

    info = result

    @property
    def traceback(self) -> str | None:
        """The traceback of a task that failed."""
        return self._get_task_meta().traceback

    @property
    def children(self) -> list[Any] | None:
        """Results of the tasks that this one called."""
        children = self._get_task_meta().children
        return None if children is None else [result_from_tuple(child, self._client) for child in children]

    @property
    def date_done(self) -> datetime | None:
        """When the task ended (UTC)."""
        text = self._get_task_meta().date_done
        return datetime.fromisoformat(text) if isinstance(text, str) else text

    def _extended(self, field: str) -> Any:
        return self._get_task_meta().extended.get(field)

    @property
    def name(self) -> str | None:
        """The name of the task (setting ``result_extended``)."""
        return cast("str | None", self._extended("name"))

    @property
    def args(self) -> Any:
        """The positional arguments (setting ``result_extended``)."""
        return self._extended("args")

    @property
    def kwargs(self) -> Any:
        """The keyword arguments (setting ``result_extended``)."""
        return self._extended("kwargs")

    @property
    def worker(self) -> str | None:
        """The worker that ran the task (setting ``result_extended``)."""
        return cast("str | None", self._extended("worker"))

    @property
    def retries(self) -> int | None:
        """How often the task was retried (setting ``result_extended``)."""
        return cast("int | None", self._extended("retries"))

    @property
    def queue(self) -> str | None:
        """The queue that the task came by (setting ``result_extended``)."""
        return cast("str | None", self._extended("queue"))

    @property
    def ignored(self) -> bool:
        """Whether the call asked for no result."""
        return bool(self._ignored)

    @ignored.setter
    def ignored(self, value: bool) -> None:
        self._ignored = value

    def ready(self) -> bool:
        """Return whether the task has ended."""
        return self.state in states.READY_STATES

    def successful(self) -> bool:
        """Return whether the task returned."""
        return self.state == states.SUCCESS

    def failed(self) -> bool:
        """Return whether the task raised."""
        return self.state == states.FAILURE

    def exists(self) -> bool:
        """Return whether the store has anything about this task."""
        return bool(self._cache) or self.id in self.backend.load((self.id,))

    # -- waiting

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        no_ack: bool = True,
        follow_parents: bool = True,
        callback: Callable[[str, Any], Any] | None = None,
        on_message: Callable[[Any], Any] | None = None,
        on_interval: Callable[[], Any] | None = None,
        disable_sync_subtasks: bool = True,
        EXCEPTION_STATES: Iterable[str] = states.EXCEPTION_STATES,
        PROPAGATE_STATES: Iterable[str] = states.PROPAGATE_STATES,
    ) -> R_co:
        """Wait until the task has ended and return its result, or raise its exception.

        ``timeout`` and ``interval`` are seconds. Raises TimeoutError, and RuntimeError inside a task (see ``allow_join_result``).
        """
        if self.ignored:
            return cast(R_co, None)
        if disable_sync_subtasks:
            assert_will_not_block()
        if self._cache is None:
            watched = [self, *self._parents()] if follow_parents and propagate else [self]
            pause = interval if on_interval is not None else min(interval, self._client.conf.result_poll_interval)
            self._await_ready(watched, timeout, pause, on_interval)
        meta = self._cache
        assert meta is not None
        if on_message is not None:
            on_message(meta.as_dict())
        if propagate and meta.state in PROPAGATE_STATES:
            self.throw(meta.result, meta.traceback)
        if callback is not None:
            callback(self.id, meta.result)
        return cast(R_co, meta.result)

    wait = get

    def _await_ready(self, watched: list[Any], timeout: float | None, interval: float, on_interval: Callable[[], Any] | None) -> None:
        self._raise_for_parents(watched)
        monotonic = clock_of(self.backend)
        deadline = None if timeout is None else monotonic() + timeout
        while self._cache is None:
            # Whoever lets a step fail lets what follows it fail too, as a rule: so those before it are looked at only now and then.
            pause = None if len(watched) == 1 else PARENTS
            if deadline is not None:
                pause = min(pause or LONGEST, max(0.0, deadline - monotonic()))
            ready = wait_for(self.backend, (self.id,), timeout=pause, interval=interval, tick=on_interval)
            if ready:
                self._remember(self._client.decode_result(ready[self.id]))
                return
            over = deadline is not None and monotonic() >= deadline
            self._look_at(watched, within=LAST_LOOK if over else None)
            self._raise_for_parents(watched)
            if self._cache is None and over:
                raise errors.TimeoutError(f"Task {self.id} was not ready within {timeout} seconds.")

    def _look_at(self, watched: list[Any], *, within: float | None) -> None:
        """Learn of what has ended among ``watched``; with a limit (seconds) a store that does not answer in time knows nothing."""
        left = {node.id: node for node in watched if node._cache is None}
        before = limits.begin(LONGEST if within is None else within)
        try:
            ready = ready_among(self.backend, left)
        except errors.OperationalError:
            if within is None:
                raise
            return
        finally:
            limits.restore(before)
        for id, record in ready.items():
            left[id]._remember(self._client.decode_result(record))

    def _raise_for_parents(self, watched: list[Any]) -> None:
        for node in reversed(watched):
            if node is not self and node._cache is not None:
                node.maybe_throw()

    def _parents(self) -> Iterator[Any]:
        node = self.parent
        while node is not None:
            if isinstance(node, AsyncResult):
                yield node
            node = node.parent

    async def aget(self, timeout: float | None = None, propagate: bool = True) -> R_co:
        """Wait for the result without blocking the event loop; as ``get``."""
        if self.ignored:
            return cast(R_co, None)
        if self._cache is None:
            record = await arrival(self.backend, self.id, timeout=timeout, interval=self._client.conf.result_poll_interval)
            if record is None:
                raise errors.TimeoutError(f"Task {self.id} was not ready within {timeout} seconds.")
            self._remember(self._client.decode_result(record))
        return cast(R_co, self.maybe_throw(propagate=propagate))

    def __await__(self) -> Generator[Any, None, R_co]:
        return self.aget().__await__()

    def maybe_throw(self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None) -> Any:
        """Raise the task's exception if it failed; return the result otherwise."""
        meta = self._get_task_meta()
        if propagate and meta.state in states.PROPAGATE_STATES:
            self.throw(meta.result, meta.traceback)
        if callback is not None:
            callback(self.id, meta.result)
        return meta.result

    maybe_reraise = maybe_throw

    def throw(self, error: Any = None, traceback: str | None = None) -> Any:
        """Raise an exception, the task's own by default."""
        error = self.result if error is None else error
        if not isinstance(error, BaseException):
            error = Exception(error)
        raise error.with_traceback(frames_of(traceback) if traceback and self._client.conf.task_remote_tracebacks else None)

    def then(self, callback: Callable[[Any], Any], on_error: Callable[[Any], Any] | None = None, weak: bool = False) -> "AsyncResult[R_co]":
        """Call ``callback(self)`` once it is known that the task has returned, ``on_error(self)`` once it is known that it has not."""

        def call(result: AsyncResult[R_co]) -> None:
            if result.successful() or on_error is None:
                callback(result)
            else:
                on_error(result)

        if self._cache is not None:
            call(self)
        else:
            self._on_ready = (*self._on_ready, call)
        return self

    # -- acting on it

    def forget(self) -> None:
        """Remove what the store knows of this task, and of those before it in its chain."""
        self._cache = None
        if self.parent is not None:
            self.parent.forget()
        self.backend.forget((self.id,))

    def revoke(
        self, connection: Any = None, terminate: bool = False, signal: str | None = None, wait: bool = False, timeout: float | None = None
    ) -> Any:
        """Let this task never start; ``terminate`` also ends it where it runs, with ``signal`` (TERM); ``wait`` returns the workers' answers."""
        return revoke(self._client, [self.id], terminate=terminate, signal=signal, wait=wait, timeout=timeout)

    def revoke_by_stamped_headers(
        self,
        headers: dict[str, Any],
        connection: Any = None,
        terminate: bool = False,
        signal: str | None = None,
        wait: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """Tell all workers not to run tasks that bear these stamps."""
        return revoke_by_stamps(self._client, headers, terminate=terminate, signal=signal, wait=wait, timeout=timeout)

    # -- the tree it stands in

    def get_leaf(self) -> Any:
        """Return the result at the end of the line of last children."""
        *_, (_parent, leaf) = self.iterdeps(intermediate=True)
        return leaf.get()

    def iterdeps(self, intermediate: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield (parent, result) pairs of this result and all its children; raise IncompleteStream where one is not ready."""
        yield from walk(self, intermediate)

    def collect(self, intermediate: bool = False, **options: Any) -> Iterator[tuple[Any, Any]]:
        """Yield (result, value) of this result and all its children as they become ready."""
        options.setdefault("propagate", False)
        for _, node in self.iterdeps(intermediate=intermediate):
            yield node, node.get(**options)

    def as_tuple(self) -> tuple[Any, Any]:
        """Return ``((id, parent), None)``: what crosses the wire."""
        return (self.id, self.parent and self.parent.as_tuple()), None

    def as_list(self) -> list[str]:
        """Return the ids of this result and its parents."""
        return [self.id, *(self.parent.as_list() if self.parent is not None else ())]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncResult):
            return bool(other.id == self.id)
        return other == self.id if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return str(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.id}>"

    def __copy__(self) -> "AsyncResult[R_co]":
        return type(self)(self.id, self._backend, self.task_name, self.app, self.parent)

    def __reduce__(self) -> Any:
        return AsyncResult, (self.id, None, self.task_name, None, self.parent)


builders["task"] = AsyncResult
