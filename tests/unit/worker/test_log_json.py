from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from celeriac.worker.log_json import JsonFormatter


def record(message: str, *args: Any, **more: Any) -> logging.LogRecord:
    made = logging.getLogger("app").makeRecord("app", logging.INFO, "file", 1, message, args, more.pop("exc_info", None), extra=more)
    made.created = 0.25
    return made


def test_a_record_becomes_one_object() -> None:
    said = json.loads(JsonFormatter().format(record("paid %d", 5, tenant="a", amount=object)))

    assert {"time": "1970-01-01T00:00:00.250Z", "level": "INFO", "logger": "app", "message": "paid 5", "process": "MainProcess",
            "pid": os.getpid(), "tenant": "a", "amount": "<class 'object'>"} == said  # fmt: skip


def test_the_task_that_speaks_and_the_one_that_is_meant_are_told() -> None:
    speaks = json.loads(JsonFormatter().format(record("x", task_name="t.a", task_id="1")))
    outside = json.loads(JsonFormatter().format(record("x", task_name="???", task_id="???")))
    meant = json.loads(JsonFormatter().format(record("x", data={"name": "t.b", "id": "2", "runtime": 0.0123})))

    assert ("t.a", "1") == (speaks["task_name"], speaks["task_id"])
    assert "task_id" not in outside
    assert ("t.b", "2", 12.3) == (meant["task_name"], meant["task_id"], meant["runtime_ms"])


def test_an_exception_is_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        text = JsonFormatter().format(record("broken", exc_info=sys.exc_info()))

    assert "\n" not in text
    assert json.loads(text)["exception"].endswith("ValueError: two\nlines")


def test_the_workers_own_lines_have_the_same_form() -> None:
    text = JsonFormatter().line(0.25, logging.INFO, "celeriac.app.trace", "Task t[1] succeeded", {"name": "t", "id": "1", "runtime": 0.5}, "")

    said = json.loads(text)
    assert ("INFO", "celeriac.app.trace", "t", "1", 500.0) == tuple(said[key] for key in ("level", "logger", "task_name", "task_id", "runtime_ms"))


def test_what_is_no_text_does_not_lose_the_line() -> None:
    assert "odd" in JsonFormatter().format(record("odd \ud800", fields={(1, 2): 3}))
