"""Runs a result store that was written for Celery behind the contract of ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from celeriac.contracts.backend import Expires, ResultBackend, StoresGroups
from celeriac.model import states
from celeriac.model.record import GroupRecord, ResultMeta, ResultRecord
from celeriac.model.request import Request
from celeriac.wire.results import decode_group, decode_result, encode_group, encode_result

_META = frozenset({"task_id", "status", "result", "traceback", "children", "date_done", "group_id", "parent_id"})


class _Tree:
    """A group's result tree, as stores ask for it."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    def as_tuple(self) -> Any:
        return self._tree


class CeleryBackend(ResultBackend, StoresGroups, Expires):
    """One store; ``around`` is entered for each access, by whoever knows what it needs: connections, errors of its own."""

    def __init__(self, inner: Any, app: Any, around: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self.inner = inner
        self._accept = app.accept_results
        # Not the store's own serializer: what leaves here is read by the application.
        self._serializer = app.conf.result_serializer
        self._around = around

    def connect(self) -> None:
        """Nothing: such stores connect by themselves."""

    def close(self) -> None:
        """Let the store let go."""
        with self._around():
            getattr(self.inner, "process_cleanup", _nothing)()

    def store(self, records: Sequence[ResultRecord]) -> None:
        with self._around():
            for record in records:
                if self.inner.get_task_meta(record.id, cache=False).get("status") != states.SUCCESS:
                    self._store_one(decode_result(record, self._accept))

    def _store_one(self, meta: ResultMeta) -> None:
        self.inner.store_result(meta.id, meta.result, meta.state, traceback=meta.traceback, request=_request_of(meta))

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        with self._around():
            metas = {task_id: self.inner.get_task_meta(task_id, cache=False) for task_id in ids}
        return {task_id: self._record(task_id, meta) for task_id, meta in metas.items() if meta and meta.get("status") not in (None, states.PENDING)}

    def _record(self, task_id: str, meta: Mapping[str, Any]) -> ResultRecord:
        done = meta.get("date_done")
        found = ResultMeta(
            task_id,
            meta["status"],
            meta.get("result"),
            meta.get("traceback"),
            meta.get("children"),
            done.isoformat() if isinstance(done, datetime) else done,
            meta.get("group_id"),
            meta.get("parent_id"),
            {key: value for key, value in meta.items() if key not in _META},
        )
        return encode_result(found, serializer=self._serializer)

    def forget(self, ids: Collection[str]) -> None:
        with self._around():
            for task_id in ids:
                self.inner.forget(task_id)

    def store_groups(self, records: Sequence[GroupRecord]) -> None:
        with self._around():
            for record in records:
                self.inner.save_group(record.id, _Tree(decode_group(record, self._accept)))

    def load_group(self, group: str) -> GroupRecord | None:
        with self._around():
            found = self.inner.restore_group(group, cache=False)
        if found is None:
            return None
        tree = found.as_tuple() if hasattr(found, "as_tuple") else found
        return encode_group(group, tree, serializer=self._serializer)

    def forget_groups(self, groups: Collection[str]) -> None:
        with self._around():
            for group in groups:
                self.inner.delete_group(group)

    def cleanup(self) -> int:
        """Let the store remove what has expired; it does not say how much that was."""
        with self._around():
            self.inner.cleanup()
        return 0

    def __getattr__(self, name: str) -> Any:
        # Programs that know their store ask it for more than the contract holds (``app.backend.mget``).
        return getattr(self.__dict__["inner"], name)


def _request_of(meta: ResultMeta) -> Request:
    """Return what the store may want to know of the call."""
    extended = dict(meta.extended)
    return Request(
        {
            **{key: value for key, value in extended.items() if key not in ("name", "worker", "queue")},
            "id": meta.id,
            "task": extended.get("name"),
            "hostname": extended.get("worker"),
            "delivery_info": {"routing_key": extended.get("queue")},
            "group": meta.group_id,
            "parent_id": meta.parent_id,
            "children": meta.children,
        }
    )


def _nothing() -> None:
    pass
