"""``app.backend``: the result store under the names that programs know from Celery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.contracts.backend import ResultBackend, StoresGroups
from celeriac.engine.current import stamp
from celeriac.lib.urls import censor
from celeriac.model import states
from celeriac.model.errors import TaskRevokedError
from celeriac.model.record import ResultMeta
from celeriac.results import GroupResult, result_from_tuple


class Stored:
    """Reads and writes what is kept of tasks. Everything else is asked of the driver."""

    READY_STATES = states.READY_STATES
    UNREADY_STATES = states.UNREADY_STATES
    EXCEPTION_STATES = states.EXCEPTION_STATES
    persistent = supports_native_join = supports_autoexpire = is_async = True

    def __init__(self, app: Any, store: ResultBackend) -> None:
        self.app, self.store_of = app, store

    def __getattr__(self, name: str) -> Any:
        if name in ("app", "store_of"):  # not there yet while it is copied or unpickled
            raise AttributeError(name)
        return getattr(self.store_of, name)

    # -- what it is

    @property
    def url(self) -> str | None:
        """The URL of the store."""
        found: str | None = self.app.backend_url
        return found

    def as_uri(self, include_password: bool = False) -> str:
        """Return the URL of the store."""
        return (self.url or "") if include_password else censor(self.url or "")

    @property
    def expires(self) -> float | None:
        """For how many seconds results are kept; None for ever."""
        found: float | None = self.app.conf.seconds("result_expires")
        return found

    def get_key_for_task(self, task_id: str, key: str = "") -> bytes:
        """Return the name under which Redis keeps a task-meta, as Celery writes it."""
        keys = getattr(self.store_of, "keys", None)
        return f"{keys.task(task_id) if keys is not None else f'celery-task-meta-{task_id}'}{key}".encode()

    # -- reading

    def get_task_meta(self, task_id: str, cache: bool = True) -> dict[str, Any]:
        """Return what is known of a task: status, result, traceback, children, date_done ..., status PENDING for nothing."""
        return self._meta(task_id).as_dict()

    def _meta(self, task_id: str) -> ResultMeta:
        record = self.store_of.load((task_id,)).get(task_id)
        found: ResultMeta = ResultMeta(task_id, states.PENDING) if record is None else self.app.decode_result(record)
        return found

    def get_state(self, task_id: str) -> str:
        """Return a task's state."""
        return self._meta(task_id).state

    get_status = get_state

    def get_result(self, task_id: str) -> Any:
        """Return a task's result, or what it raised."""
        return self._meta(task_id).result

    def get_traceback(self, task_id: str) -> str | None:
        """Return the traceback of a task that failed."""
        return self._meta(task_id).traceback

    def get_children(self, task_id: str) -> list[Any]:
        """Return the results of what a task has called."""
        return [result_from_tuple(child, self.app) for child in self._meta(task_id).children or ()]

    def get_many(self, task_ids: Iterable[str], **_waiting: Any) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield (id, meta) of those tasks that have ended."""
        found: Mapping[str, Any] = self.store_of.load(list(task_ids))
        metas = ((task_id, self.app.decode_result(record).as_dict()) for task_id, record in found.items())
        return ((task_id, meta) for task_id, meta in metas if meta["status"] in states.READY_STATES)

    # -- writing

    def store_result(self, task_id: str, result: Any, state: str, traceback: str | None = None, request: Any = None, **_more: Any) -> Any:
        """Keep a state of a task and what belongs to it; return the result."""
        done = stamp(self.app.time.now()) if state in states.READY_STATES else None
        self.store_of.store([self.app.encode_result(ResultMeta(task_id, state, result, traceback, date_done=done))])
        return result

    def mark_as_started(self, task_id: str, **meta: Any) -> Any:
        """Keep that a task runs."""
        return self.store_result(task_id, meta, states.STARTED)

    def mark_as_done(self, task_id: str, result: Any, request: Any = None, store_result: bool = True, state: str = states.SUCCESS) -> None:
        """Keep what a task returned."""
        if store_result:
            self.store_result(task_id, result, state)

    def mark_as_failure(
        self, task_id: str, exc: BaseException, traceback: str | None = None, request: Any = None, store_result: bool = True,
        call_errbacks: bool = True, state: str = states.FAILURE,
    ) -> None:  # fmt: skip
        """Keep what a task raised; what follows a failure (errbacks, chords) is the worker's business."""
        if store_result:
            self.store_result(task_id, exc, state, traceback)

    def mark_as_retry(self, task_id: str, exc: BaseException, traceback: str | None = None, **_more: Any) -> Any:
        """Keep that a task will be tried again, and why."""
        return self.store_result(task_id, exc, states.RETRY, traceback)

    def mark_as_revoked(self, task_id: str, reason: str = "", **_more: Any) -> None:
        """Keep that a task was revoked."""
        self.store_result(task_id, TaskRevokedError(reason), states.REVOKED)

    def forget(self, task_id: str) -> None:
        """Remove what is known of a task."""
        self.store_of.forget((task_id,))

    # -- groups

    def save_group(self, group_id: str, result: Any) -> Any:
        """Keep a group."""
        GroupResult(group_id, list(result), app=self.app).save()
        return result

    def restore_group(self, group_id: str, cache: bool = True) -> Any:
        """Return a kept group, or None."""
        return GroupResult.restore(group_id, app=self.app)

    def delete_group(self, group_id: str) -> None:
        """Remove a kept group."""
        if isinstance(self.store_of, StoresGroups):
            self.store_of.forget_groups((group_id,))
