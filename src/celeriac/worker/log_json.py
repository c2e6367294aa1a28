"""Log lines as JSON objects, one a line, for programs that collect logs."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

JSON = "json"
"""What ``worker_log_format`` says to have them."""

_TASK = {"name": "task_name", "id": "task_id", "task_name": "task_name", "task_id": "task_id"}
_NOBODY = "???"
_OWN = frozenset((*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "data", "taskName", *_TASK))
more: Callable[[], Mapping[str, str]] = dict
"""Returns what else is to be said of the place where a line is written: the ids of a trace, for those who trace."""
_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode


class JsonFormatter(logging.Formatter):
    """Writes ``time``, ``level``, ``logger``, ``message``, ``process`` and ``pid``; ``task_name`` and ``task_id`` where a task is meant or runs;

    ``runtime_ms`` of a task that has ended, ``exception`` (a traceback), and whatever code adds by ``extra=``.
    """

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {**_task_of(record), **{name: value for name, value in vars(record).items() if name not in _OWN}}
        traceback = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        if record.stack_info:
            traceback = f"{traceback}\n{record.stack_info}".strip()
        return _line(record.created, record.levelname, record.name, record.getMessage(), said, traceback)

    def line(self, created: float, level: int, logger: str, message: str, fields: Mapping[str, Any], traceback: str) -> str:
        """Return a line of the worker's own; ``created`` is epoch seconds."""
        return _line(created, logging.getLevelName(level), logger, message, _told(fields), traceback)


def _line(created: float, level: str, logger: str, message: str, fields: Mapping[str, Any], traceback: str) -> str:
    time = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said: dict[str, Any] = {"time": time, "level": level, "logger": logger, "message": message}
    said.update(process=multiprocessing.current_process().name, pid=os.getpid())
    said.update(more())
    said.update(fields)
    if traceback:
        said["exception"] = traceback.rstrip()
    try:
        return _encode(said).decode("utf-8", "backslashreplace")
    except (TypeError, ValueError, RecursionError):
        # Keys that are no text, or lone surrogates: the line matters more than their form.
        return _encode({str(name): ascii(value) for name, value in said.items()}).decode()


def _task_of(record: logging.LogRecord) -> dict[str, Any]:
    data = getattr(record, "data", None)
    found = {name: value for name in ("task_name", "task_id") if (value := getattr(record, name, _NOBODY)) != _NOBODY}
    return found | _told(data) if isinstance(data, dict) else found


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {_TASK[name]: fields[name] for name in ("name", "id") if name in fields}
    if "runtime" in fields:
        found["runtime_ms"] = round(fields["runtime"] * 1000.0, 3)
    return found
