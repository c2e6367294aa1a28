"""What a stored text says of itself. Celery keeps nothing but the task-meta: its state stands in it, its content type nowhere."""

from __future__ import annotations

import re

from celeriac.model.errors import DecodeError
from celeriac.model.record import ResultRecord
from celeriac.wire.results import unpacked

JSON = ("application/json", "utf-8")
MSGPACK = ("application/x-msgpack", "binary")
PICKLE = ("application/x-python-serialize", "binary")
YAML = ("application/x-yaml", "utf-8")

_JSON_STATE = re.compile(rb'\s*\{\s*"status"\s*:\s*"([A-Za-z0-9_-]+)"')
_YAML_STATE = re.compile(rb"^status: ([A-Za-z0-9_-]+)\r?$", re.MULTILINE)
_YAML_HEAD = re.compile(rb"[a-z_]+:[ \r\n]")
_HEADS: dict[str, bytes] = {}


def _look(text: bytes) -> tuple[str, tuple[str, str]] | None:
    """Return state and content type of a task-meta, or None when it does not begin like one."""
    head = text[:96]
    match = _JSON_STATE.match(head)
    if match is not None:
        return match[1].decode("ascii"), JSON
    if _YAML_HEAD.match(head):
        # Its keys are sorted, so the state stands behind the result; what is inside of that is indented.
        found = _YAML_STATE.search(text)
        return None if found is None else (found[1].decode("ascii"), YAML)
    at = head.find(b"status")
    if at < 0:
        return None
    after = head[at + 6 :]
    if head[0] & 0xF0 == 0x80 and head[1:8] == b"\xa6status" and after[:1] and after[0] & 0xE0 == 0xA0:
        length, start, kind = after[0] & 0x1F, 1, MSGPACK
    elif head[:1] == b"\x80":
        opcode = re.match(rb"(?:\x94|q.)?(?:\x8c(.)|X(.)\0\0\0)", after, re.DOTALL)
        if opcode is None:
            return None
        length, start, kind = (opcode[1] or opcode[2])[0], opcode.end(), PICKLE
    else:
        return None
    state = after[start : start + length]
    return (state.decode("ascii"), kind) if len(state) == length and state.isascii() else None


def unsaid(record: ResultRecord) -> bytes:
    """Return what has to be kept beside a record because its text does not say it, or not at its beginning; mostly empty."""
    kind = (record.content_type, record.content_encoding)
    if kind == JSON:
        head = _HEADS.get(record.state)
        if head is None:
            if len(_HEADS) > 256:
                _HEADS.clear()
            head = _HEADS[record.state] = f'{{"status": "{record.state}"'.encode()
        if record.body.startswith(head):
            return b""
    if kind != YAML and _look(record.body) == (record.state, kind):
        return b""
    return f"{record.state}\n{record.content_type}\n{record.content_encoding}".encode()


def read(task_id: str, text: bytes) -> ResultRecord | None:
    """Return the record of a text, or None when what it does not say has to be looked up."""
    found = _look(text)
    return None if found is None else ResultRecord(task_id, found[0], text, *found[1])


def read_with(task_id: str, text: bytes, said: bytes | None) -> ResultRecord:
    """Return the record of a text that does not say everything of itself; one of whose kind nothing is known counts as a finished JSON task-meta."""
    # What stands beside it may tell of an earlier result, which a worker of Celery's has overwritten: what the text says comes first.
    found = _compressed(task_id, text)
    if found is not None:
        return found
    if said is None:
        return ResultRecord(task_id, "SUCCESS", text)
    state, content_type, content_encoding = said.decode().split("\n", 2)
    return ResultRecord(task_id, state, text, content_type, content_encoding)


def _compressed(task_id: str, text: bytes) -> ResultRecord | None:
    """Return the record of a text that Celery compressed: what it says of itself is inside."""
    try:
        found = _look(unpacked(text))
    except DecodeError:
        return None
    return None if found is None else ResultRecord(task_id, found[0], text, *found[1])
