"""Task messages and results, both directions, against real Celery: what one writes the other reads."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from celeriac.model.envelope import Envelope
from celeriac.model.record import ResultMeta, ResultRecord
from celeriac.model.task_message import TaskMessage
from celeriac.wire.results import decode_result, encode_result
from celeriac.wire.serializers import content_types
from celeriac.wire.task import decode_task, encode_task, peek
from tests.interop.peer import Peer

ALL = content_types(["json", "yaml", "msgpack", "pickle"])
VALUES: list[Any] = [
    datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC), datetime(2026, 2, 3, 4, 5), date(2026, 2, 3), Decimal("3.10"),
    UUID("12345678-1234-4234-8234-123456789012"), "snow ☃", 2**60, -0.5, None, True, ["a", {"b": [1]}],
]


def envelope(sent: dict[str, Any]) -> Envelope:
    return Envelope(sent["headers"], sent["body"], sent["content_type"], sent["content_encoding"], sent["properties"])


def run(celery: Peer, message: TaskMessage, **how: Any) -> Any:
    """Have a Celery worker run a message that we wrote."""
    written = encode_task(message, **how)
    return celery.ask(
        "run", id=message.id, body=written.body, headers=written.headers, content_type=written.content_type,
        content_encoding=written.content_encoding, properties=written.properties,
    )


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack", "pickle"])
@pytest.mark.parametrize("compression", [None, "gzip", "bzip2", "lzma", "brotli"])
def test_what_a_celery_client_sends_is_read(celery: Peer, serializer: str, compression: str | None) -> None:
    options = {"serializer": serializer, "compression": compression}

    sent = celery.ask("send", name="interop.add", args=[1, [2, "three"]], kwargs={"four": {"5": 6.5}}, options=options)

    message = decode_task(envelope(sent), ALL)

    assert (message.task, message.id, list(message.args), message.kwargs) == ("interop.add", sent["id"], [1, [2, "three"]], {"four": {"5": 6.5}})


OPTIONS: dict[str, dict[str, Any]] = {
    "countdown": {"countdown": 30}, "expires": {"expires": 30}, "limits": {"time_limit": 20, "soft_time_limit": 10}, "priority": {"priority": 7},
    "parents": {"root_id": "r", "parent_id": "p"}, "group": {"group_id": "g", "group_index": 3}, "retries": {"retries": 2}, "shadow": {"shadow": "s"},
    "headers": {"headers": {"mine": {"a": [1]}}}, "ignored": {"ignore_result": True}, "reprs": {"argsrepr": "<a>", "kwargsrepr": "<k>"},
}


@pytest.mark.parametrize("case", OPTIONS)
def test_what_we_read_we_write_the_same(celery: Peer, case: str) -> None:
    sent = celery.ask("send", name="interop.add", args=[1, 2], options=OPTIONS[case])

    message = decode_task(envelope(sent), ALL)
    again = encode_task(message)

    assert again.headers == sent["headers"]
    assert again.body == sent["body"]


@pytest.mark.parametrize("case", OPTIONS)
def test_a_peek_tells_the_same_as_the_whole_message(celery: Peer, case: str) -> None:
    sent = celery.ask("send", name="interop.add", args=[1, 2], options=OPTIONS[case])

    head, message = peek(envelope(sent)), decode_task(envelope(sent), ALL)

    for field in ("task", "id", "eta", "expires", "retries", "root_id", "parent_id", "group", "ignore_result", "argsrepr", "kwargsrepr", "shadow"):
        assert getattr(head, field) == getattr(message, field), field


def test_a_message_of_protocol_one_is_read(celery: Peer) -> None:
    sent = celery.ask("send", name="interop.add", args=[1, 2], kwargs={"k": 1}, protocol=1, options={"countdown": 5, "expires": 60})
    assert "task" not in sent["headers"]

    message = decode_task(envelope(sent), ALL)

    assert (message.task, message.id, list(message.args), message.kwargs) == ("interop.add", sent["id"], [1, 2], {"k": 1})
    assert message.eta
    assert message.expires


@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack", "pickle"])
@pytest.mark.parametrize("compression", [None, "gzip", "bzip2", "lzma", "brotli"])
def test_a_celery_worker_runs_what_we_send(celery: Peer, serializer: str, compression: str | None) -> None:
    message = TaskMessage("interop.add", f"ours-{serializer}-{compression}", (20,), {"y": 3})

    assert run(celery, message, serializer=serializer, compression=compression) == {"state": "SUCCESS", "value": 23}


def test_a_celery_worker_runs_what_we_send_in_protocol_one(celery: Peer) -> None:
    message = TaskMessage("interop.add", "ours-of-version-one", (20,), {"y": 4})

    assert run(celery, message, protocol=1) == {"state": "SUCCESS", "value": 24}


def test_typed_values_mean_the_same_to_both(celery: Peer) -> None:
    answer = run(celery, TaskMessage("interop.describe", "ours-typed", tuple(VALUES)))

    assert answer["value"] == [f"{type(value).__name__} {value!r}" for value in VALUES]


def test_a_celery_worker_sees_our_headers_in_the_request(celery: Peer) -> None:
    fields = ("id", "root_id", "parent_id", "group", "group_index", "retries", "timelimit", "shadow", "correlation_id", "mine")
    message = TaskMessage(
        "interop.request", "ours-request", fields, root_id="root", parent_id="parent", group="g", group_index=2, retries=1, timelimit=(20.0, 10.0),
        shadow="as this", headers={"mine": "header"}, correlation_id="ours-request",
    )

    assert run(celery, message)["value"] == {
        "id": "ours-request", "root_id": "root", "parent_id": "parent", "group": "g", "group_index": 2, "retries": 1, "timelimit": [20.0, 10.0],
        "shadow": "as this", "correlation_id": "ours-request", "mine": "header",
    }


def test_a_result_that_celery_stored_is_read(celery: Peer) -> None:
    stored = celery.ask("store", name="interop.add", args=[40, 2])

    meta = decode_result(ResultRecord(stored["id"], "SUCCESS", stored["payload"]), ALL)

    assert (meta.id, meta.state, meta.result, meta.extended["name"]) == (stored["id"], "SUCCESS", 42, "interop.add")


def test_a_failure_that_celery_stored_is_read(celery: Peer) -> None:
    stored = celery.ask("store", name="interop.fail", args=["broken"])

    meta = decode_result(ResultRecord(stored["id"], "FAILURE", stored["payload"]), ALL)

    assert (type(meta.result), meta.result.args) == (ValueError, ("broken", 7))
    assert meta.traceback is not None
    assert "ValueError" in meta.traceback


@pytest.mark.parametrize("value", [8, None, {"a": [1, None]}, "snow ☃"], ids=repr)
def test_a_result_that_we_store_is_read_by_a_celery_client(celery: Peer, value: Any) -> None:
    meta = ResultMeta("ours-result", "SUCCESS", value, children=[], date_done="2026-02-03T04:05:06.000007+00:00")

    answer = celery.ask("read", id=meta.id, payload=encode_result(meta, serializer="json").body)

    assert answer == {"state": "SUCCESS", "value": value, "traceback": None, "children": [], "date_done": "2026-02-03 04:05:06.000007+00:00"}


class Unknown(Exception):
    """An exception that Celery's side cannot import."""


Unknown.__module__ = "some.module.of.ours"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("broken", 7), "ValueError('broken', 7)"),
        (KeyError("key"), "KeyError('key')"),
        (Unknown("what", 1), "Unknown('what', 1)"),
    ],
    ids=repr,
)
def test_a_failure_that_we_store_is_read_by_a_celery_client(celery: Peer, error: Exception, shown: str) -> None:
    meta = ResultMeta("ours-failure", "FAILURE", error, traceback="Traceback: here", children=[["child", None]])

    answer = celery.ask("read", id=meta.id, payload=encode_result(meta, serializer="json").body)

    assert (answer["state"], answer["value"], answer["traceback"]) == ("FAILURE", shown, "Traceback: here")
