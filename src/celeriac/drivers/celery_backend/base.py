"""The base classes of result stores that were written for Celery: what subclasses of them call, and what calls them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celeriac.lib.importing import qualname
from celeriac.model import states
from celeriac.model.errors import ImproperlyConfigured
from celeriac.wire import exceptions, serializers


class Backend:
    """Keeps what ``_store_result`` is given where ``_get_task_meta_for`` finds it; the other methods are written in terms of these two."""

    READY_STATES = states.READY_STATES
    UNREADY_STATES = states.UNREADY_STATES
    EXCEPTION_STATES = states.EXCEPTION_STATES
    persistent = True
    supports_autoexpire = False
    supports_native_join = False
    subpolling_interval: float | None = None

    def __init__(
        self,
        app: Any,
        serializer: str | None = None,
        max_cached_results: int | None = None,
        accept: Any = None,
        expires: Any = None,
        expires_type: Any = None,
        url: str | None = None,
        **_options: Any,
    ) -> None:
        self.app = app
        self.url = url
        self.serializer = serializer or app.conf.result_serializer
        self.content_type, self.content_encoding, _ = serializers.dumps(None, self.serializer)
        self.expires = self.prepare_expires(expires, expires_type)
        self.accept = app.accept_results if accept is None else serializers.content_types(accept)

    def prepare_expires(self, value: Any, type: Any = None) -> Any:
        """Return for how many seconds results are kept, None for ever; by default as the setting ``result_expires`` says."""
        seconds = self.app.conf.seconds("result_expires") if value is None else value.total_seconds() if isinstance(value, timedelta) else value
        return type(seconds) if type is not None and seconds else seconds or None

    # -- writing

    def store_result(self, task_id: str, result: Any, state: str, traceback: str | None = None, request: Any = None, **kwargs: Any) -> Any:
        """Keep a state of a task and what belongs to it; return the result as it is kept."""
        result = self.encode_result(result, state)
        self._store_result(task_id, result, state, traceback, request=request, **kwargs)
        return result

    def _store_result(self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **kwargs: Any) -> Any:
        raise self._lacks("_store_result")

    def mark_as_started(self, task_id: str, **meta: Any) -> Any:
        """Keep that a task runs."""
        return self.store_result(task_id, meta, states.STARTED)

    def mark_as_done(self, task_id: str, result: Any, request: Any = None, store_result: bool = True, state: str = states.SUCCESS) -> None:
        """Keep what a task returned."""
        if store_result:
            self.store_result(task_id, result, state, request=request)

    def mark_as_failure(self, task_id: str, exc: Any, traceback: Any = None, request: Any = None, state: str = states.FAILURE, **_more: Any) -> None:
        """Keep what a task raised."""
        self.store_result(task_id, exc, state, traceback=traceback, request=request)

    # -- reading

    def get_task_meta(self, task_id: str, cache: bool = True) -> dict[str, Any]:
        """Return what is known of a task."""
        found: dict[str, Any] = self._get_task_meta_for(task_id)
        return found

    def _get_task_meta_for(self, task_id: str) -> Any:
        raise self._lacks("_get_task_meta_for")

    def get_state(self, task_id: str) -> Any:
        """Return a task's state."""
        return self.get_task_meta(task_id)["status"]

    def get_result(self, task_id: str) -> Any:
        """Return a task's result."""
        return self.get_task_meta(task_id).get("result")

    def get_traceback(self, task_id: str) -> Any:
        """Return a task's traceback."""
        return self.get_task_meta(task_id).get("traceback")

    def get_children(self, task_id: str) -> Any:
        """Return what a task has called."""
        return self.get_task_meta(task_id).get("children")

    def forget(self, task_id: str) -> None:
        """Remove what is known of a task."""
        self._forget(task_id)

    def _forget(self, task_id: str) -> Any:
        raise self._lacks("_forget")

    # -- groups

    def save_group(self, group_id: str, result: Any) -> Any:
        """Keep a group."""
        return self._save_group(group_id, result)

    def restore_group(self, group_id: str, cache: bool = True) -> Any:
        """Return a kept group, or None."""
        meta = self._restore_group(group_id)
        return meta["result"] if meta else None

    def delete_group(self, group_id: str) -> Any:
        """Remove a kept group."""
        return self._delete_group(group_id)

    def _save_group(self, group_id: str, result: Any) -> Any:
        raise self._lacks("_save_group")

    def _restore_group(self, group_id: str) -> Any:
        raise self._lacks("_restore_group")

    def _delete_group(self, group_id: str) -> Any:
        raise self._lacks("_delete_group")

    # -- the form in which it is kept

    def encode_result(self, result: Any, state: str) -> Any:
        """Return a result as it can be written: exceptions are described."""
        if state in self.EXCEPTION_STATES and isinstance(result, BaseException):
            return self.prepare_exception(result)
        return self.prepare_value(result)

    def prepare_exception(self, exc: BaseException, serializer: str | None = None) -> Any:
        """Describe an exception."""
        return exceptions.to_wire(exc, serializer=serializer or self.serializer)

    def exception_to_python(self, exc: Any) -> Any:
        """Make an exception of its description."""
        return exc if exc is None else exceptions.from_wire(exc)

    def prepare_value(self, result: Any) -> Any:
        """Return a value as it can be written: results of tasks are their ids."""
        return result.as_tuple() if hasattr(result, "as_tuple") and self.serializer != "pickle" else result

    def encode(self, data: Any) -> Any:
        """Write data by the serializer: text where that writes text."""
        return self._encode(data)[2]

    def _encode(self, data: Any) -> tuple[str, str, Any]:
        content_type, encoding, body = serializers.dumps(data, self.serializer)
        return content_type, encoding, body.decode(encoding) if encoding == "utf-8" else body

    def decode(self, payload: Any) -> Any:
        """Read what ``encode`` has written."""
        body = payload.encode() if isinstance(payload, str) else bytes(payload)
        return serializers.loads(body, self.content_type, self.content_encoding, self.accept)

    def decode_result(self, payload: Any) -> Any:
        """Read a kept task-meta."""
        return self.meta_from_decoded(self.decode(payload))

    def meta_from_decoded(self, meta: Any) -> Any:
        """Make what a task raised an exception again."""
        if meta["status"] in self.EXCEPTION_STATES:
            meta["result"] = self.exception_to_python(meta["result"])
        return meta

    def current_task_children(self, request: Any = None) -> Any:
        """Return what the task of a request has called."""
        children = getattr(request, "children", None) or []
        return [child.as_tuple() if hasattr(child, "as_tuple") else child for child in children]

    def _get_result_meta(
        self, result: Any, state: str, traceback: Any, request: Any, format_date: bool = True, encode: bool = False
    ) -> dict[str, Any]:
        done = datetime.now(UTC) if state in self.READY_STATES else None
        meta = {
            "status": state,
            "result": result,
            "traceback": traceback,
            "children": self.current_task_children(request),
            "date_done": done.isoformat() if done is not None and format_date else done,
        }
        for name, field in (("group_id", "group"), ("parent_id", "parent_id")):
            if getattr(request, field, None):
                meta[name] = getattr(request, field)
        if self.app.conf.result_extended and request is not None:
            meta.update({name: getattr(request, field, None) for name, field in _EXTENDED})
            meta["queue"] = (getattr(request, "delivery_info", None) or {}).get("routing_key")
        return meta

    # -- what else is asked of a store

    def ensure_chords_allowed(self) -> None:
        """Chords are possible with every store that can be read."""

    def add_pending_result(self, result: Any, *_more: Any, **_options: Any) -> Any:
        """Note that somebody waits: nothing to be done, since results are polled."""
        return result

    remove_pending_result = add_pending_result

    def cleanup(self) -> None:
        """Remove what has expired; for subclasses."""

    def process_cleanup(self) -> None:
        """Let go of connections after a task; for subclasses."""

    def as_uri(self, include_password: bool = False) -> str:
        """Return where results are kept."""
        return self.url or type(self).__name__

    def _lacks(self, method: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"The result store {qualname(self)} does not define {method}, which is needed here")


_EXTENDED = (("name", "task"), ("args", "args"), ("kwargs", "kwargs"), ("worker", "hostname"), ("retries", "retries"))


class BaseBackend(Backend):
    """A store of which nothing more is known."""


class BaseDictBackend(BaseBackend):
    """A store that keeps task-metas as dicts."""


class KeyValueStoreBackend(BaseBackend):
    """A store of values by key: subclasses define ``get``, ``set`` and ``delete``, and ``mget`` where it is faster."""

    key_t: Any = str
    task_keyprefix = "celery-task-meta-"
    group_keyprefix = "celery-taskset-meta-"
    chord_keyprefix = "chord-unlock-"

    def get(self, key: Any) -> Any:
        """Return a value, None when there is none."""
        raise self._lacks("get")

    def set(self, key: Any, value: Any) -> Any:
        """Keep a value."""
        raise self._lacks("set")

    def delete(self, key: Any) -> Any:
        """Remove a value."""
        raise self._lacks("delete")

    def mget(self, keys: Any) -> Any:
        """Return several values."""
        return [self.get(key) for key in keys]

    def get_key_for_task(self, task_id: str, key: str = "") -> Any:
        """Return the key of a task's result."""
        return self.key_t(f"{self.task_keyprefix}{task_id}{key}")

    def get_key_for_group(self, group_id: str, key: str = "") -> Any:
        """Return the key of a group."""
        return self.key_t(f"{self.group_keyprefix}{group_id}{key}")

    def _store_result(self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **kwargs: Any) -> Any:
        meta = {**self._get_result_meta(result, state, traceback, request), "task_id": task_id}
        self.set(self.get_key_for_task(task_id), self.encode(meta))
        return result

    def _get_task_meta_for(self, task_id: str) -> Any:
        found = self.get(self.get_key_for_task(task_id))
        return self.decode_result(found) if found else {"status": states.PENDING, "result": None}

    def _forget(self, task_id: str) -> None:
        self.delete(self.get_key_for_task(task_id))

    def _save_group(self, group_id: str, result: Any) -> Any:
        self.set(self.get_key_for_group(group_id), self.encode({"result": result.as_tuple()}))
        return result

    def _restore_group(self, group_id: str) -> Any:
        found = self.get(self.get_key_for_group(group_id))
        return self.decode(found) if found else None

    def _delete_group(self, group_id: str) -> None:
        self.delete(self.get_key_for_group(group_id))
