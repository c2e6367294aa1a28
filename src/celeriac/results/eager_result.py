"""The result of a task that ran in the caller's own process."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from celeriac.model import states
from celeriac.model.record import ResultMeta
from celeriac.results.async_result import AsyncResult
from celeriac.results.joining import assert_will_not_block

R_co = TypeVar("R_co", covariant=True)


class EagerResult(AsyncResult[R_co]):
    """A result that is known from the start; it needs no store."""

    def __init__(
        self, id: str, ret_value: Any, state: str, traceback: str | None = None, name: str | None = None, children: Any = None, app: Any = None
    ) -> None:
        super().__init__(id, task_name=name, app=app)
        self._meta = ResultMeta(id, state, result=ret_value, traceback=traceback, extended={} if name is None else {"name": name})
        self._cache = self._meta
        self._children = children

    def _get_task_meta(self) -> ResultMeta:
        return self._meta

    @property
    def children(self) -> list[Any] | None:
        """Results of the tasks that this one called."""
        return cast("list[Any] | None", self._children)

    @property
    def supports_native_join(self) -> bool:
        """An eager result has nothing to join."""
        return False

    def ready(self) -> bool:
        """Return True."""
        return True

    def exists(self) -> bool:
        """Return True: nothing else could be asked."""
        return True

    def get(  # type: ignore[override]
        self, timeout: float | None = None, propagate: bool = True, disable_sync_subtasks: bool = True, **_ignored: Any
    ) -> R_co:
        """Return the value at once, or raise the task's exception."""
        if disable_sync_subtasks:
            assert_will_not_block()
        meta = self._meta
        if meta.state in states.PROPAGATE_STATES and propagate:
            self.throw(meta.result)
        return cast(R_co, meta.result)

    wait = get  # type: ignore[assignment]

    async def aget(self, timeout: float | None = None, propagate: bool = True) -> R_co:
        """Return the value at once, or raise the task's exception."""
        return self.get(propagate=propagate, disable_sync_subtasks=False)

    def throw(self, error: Any = None, traceback: str | None = None) -> Any:
        """Raise an exception, the task's own by default, with the traceback it has."""
        error = self._meta.result if error is None else error
        raise error if isinstance(error, BaseException) else Exception(error)

    def forget(self) -> None:
        """Nothing is kept anywhere; there is nothing to do."""

    def revoke(self, *args: Any, **options: Any) -> None:
        """Mark as revoked: the task itself has run."""
        self._meta = self._meta.replace(state=states.REVOKED)

    def __copy__(self) -> "EagerResult[R_co]":
        return EagerResult(self.id, self._meta.result, self._meta.state, self._meta.traceback)

    def __reduce__(self) -> Any:
        return EagerResult, (self.id, self._meta.result, self._meta.state, self._meta.traceback)

    def __repr__(self) -> str:
        return f"<EagerResult: {self.id}>"
