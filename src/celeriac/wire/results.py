"""Task-meta: the states and results of tasks as stores keep them, key by key as Celery writes them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

from celeriac.lib.saferepr import saferepr
from celeriac.model import errors
from celeriac.model.errors import DecodeError, EncodeError, ImproperlyConfigured
from celeriac.model.record import GroupRecord, ResultMeta, ResultRecord
from celeriac.model.states import EXCEPTION_STATES
from celeriac.wire import compression as compressions
from celeriac.wire import exceptions, json_codec, pickling, serializers

TRACEBACK_MAX = 32_768
"""Encoded bytes of a traceback's text; the middle of a longer one is left out."""

_MARKER = b"\0celery-compressed\0"
_OWN_KEYS = frozenset({"status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id"})


def encode_result(meta: ResultMeta, *, serializer: str, compression: str | None = None, ttl: float | None = None) -> ResultRecord:
    """Write a task-meta; ``ttl`` (seconds) is how long it is to be kept. Raises EncodeError that says which part of the result cannot be written."""
    found: dict[str, Any] = {
        "status": meta.state,
        "result": meta.result if meta.state not in EXCEPTION_STATES else _exception(meta.result, serializer),
        "traceback": None if meta.traceback is None else _bounded(meta.traceback, serializer),
        "children": meta.children,
        "date_done": meta.date_done,
    }
    if meta.group_id is not None:
        found["group_id"] = meta.group_id
    if meta.parent_id is not None:
        found["parent_id"] = meta.parent_id
    if meta.extended:
        found.update(meta.extended)
    found["task_id"] = meta.id
    try:
        content_type, content_encoding, body = serializers.dumps(found, serializer)
    except EncodeError:
        if not meta.extended:
            raise
        # What it says of the call is a remark: arguments that came by another serializer do not make the call fail.
        found.update(_writable(meta.extended, serializer))
        content_type, content_encoding, body = serializers.dumps(found, serializer)
    return ResultRecord(meta.id, meta.state, _packed(body, compression), content_type, content_encoding, ttl, meta.reply_to)


def _writable(extended: dict[str, Any], serializer: str) -> dict[str, Any]:
    found = {}
    for name, value in extended.items():
        try:
            serializers.dumps(value, serializer)
            found[name] = value
        except EncodeError:
            found[name] = saferepr(value)
    return found


def decode_result(record: ResultRecord, accept: frozenset[str] | None) -> ResultMeta:
    """Read a task-meta; ``accept`` holds the content types that may be read. Raises DecodeError or ContentDisallowed."""
    try:
        found = serializers.loads(unpacked(record.body), record.content_type, record.content_encoding, accept)
    except DecodeError as error:
        raise type(error)(f"The result of task {record.id} cannot be read. {error}") from error
    if not isinstance(found, dict) or "status" not in found:
        raise DecodeError(f"The result of task {record.id} cannot be read: it is no task-meta (an object with 'status' and 'result').")
    state, result = found["status"], found.get("result")
    if state in EXCEPTION_STATES and result is not None:
        result = exceptions.from_wire(result)
    extended = {} if _OWN_KEYS.issuperset(found) else {key: value for key, value in found.items() if key not in _OWN_KEYS}
    return ResultMeta(
        found.get("task_id") or record.id,
        state,
        result,
        found.get("traceback"),
        found.get("children"),
        _iso(found.get("date_done")),
        found.get("group_id"),
        found.get("parent_id"),
        extended,
    )


def encode_group(group: str, tree: Any, *, serializer: str, ttl: float | None = None) -> GroupRecord:
    """Write a saved group; ``tree`` is its result tuple: ``[[id, parent], [children]]``."""
    content_type, content_encoding, body = serializers.dumps({"result": tree}, serializer)
    return GroupRecord(group, body, content_type, content_encoding, ttl)


def decode_group(record: GroupRecord, accept: frozenset[str] | None) -> Any:
    """Read the result tuple of a saved group."""
    found = serializers.loads(unpacked(record.body), record.content_type, record.content_encoding, accept)
    if not isinstance(found, dict) or "result" not in found:
        raise DecodeError(f"The saved group {record.id} cannot be read: it is no object with 'result'.")
    return found["result"]


def encode_part(task_id: str, state: str, result: Any, *, serializer: str) -> bytes:
    """Write one finished part of a chord: ``[1, task id, state, result]``."""
    if state in EXCEPTION_STATES:
        result = _exception(result, serializer)
    return serializers.dumps([1, task_id, state, result], serializer)[2]


def decode_part(body: bytes, content_type: str, content_encoding: str, accept: frozenset[str] | None) -> tuple[str, str, Any]:
    """Read a part of a chord: its task's id, state and result (an exception when it failed)."""
    found = serializers.loads(unpacked(body), content_type, content_encoding, accept)
    if not isinstance(found, (list, tuple)) or len(found) < 4:
        raise DecodeError("A part of a chord cannot be read: it is not [1, task id, state, result].")
    _, task_id, state, result = found[:4]
    return task_id, state, exceptions.from_wire(result) if state in EXCEPTION_STATES else result


def _iso(done: Any) -> Any:
    return done.isoformat() if isinstance(done, datetime) else done


def _exception(result: Any, serializer: str) -> Any:
    if not isinstance(result, BaseException):
        return result
    if serializer == "pickle":
        # Only what comes back whole: an exception that cannot be made again would make the whole record unreadable. Our own classes go as
        # data, under the names that Celery gives them.
        with contextlib.suppress(Exception):
            if type(result).__module__ != errors.__name__ and type(pickling.decode(pickling.encode(result))) is type(result):
                return result
        serializer = "json"
    return exceptions.to_wire(result, serializer=serializer)


def _bounded(text: str, serializer: str) -> str:
    if serializer != "json":
        # Only JSON and pickle can write lone surrogates.
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) * 12 <= TRACEBACK_MAX or len(json_codec.encode(text)) <= TRACEBACK_MAX:
        return text
    # The first lines and the last, where the error is, are what people read. One character takes up to 12 bytes.
    head, tail = TRACEBACK_MAX // 8, TRACEBACK_MAX * 5 // 8
    while True:
        cut = f"{text[:head]}\n  ... {len(text) - head - tail} characters left out ...\n{text[-tail:]}"
        if len(json_codec.encode(cut)) <= TRACEBACK_MAX:
            return cut
        head, tail = head // 2, tail // 2


def _packed(body: bytes, method: str | None) -> bytes:
    if not method:
        return body
    packed, content_type = compressions.compress(body, method)
    return _MARKER + content_type.encode("ascii") + b"\0" + packed


def unpacked(body: bytes) -> bytes:
    """Return a stored text as it was before compression; raises DecodeError."""
    if not body.startswith(_MARKER):
        return body
    method, found, packed = body[len(_MARKER) :].partition(b"\0")
    if not found:
        raise DecodeError("The compressed result is damaged: its marker does not end.")
    try:
        return compressions.decompress(packed, method.decode("ascii", "replace"))
    except ImproperlyConfigured as error:
        raise DecodeError(str(error)) from error
