from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from celeriac.model.envelope import Outgoing
from celeriac.model.errors import NotRegistered, SoftTimeLimitExceeded, TaskRevokedError
from celeriac.model.record import ResultRecord
from celeriac.wire import json_codec, pickling, virtual
from celeriac.wire.compression import decompress
from celeriac.wire.control import decode_command, encode_command
from celeriac.wire.events import BATCH_KEY, decode_events, encode_batch, encode_event
from celeriac.wire.results import decode_result, encode_result
from celeriac.wire.task import decode_task, encode_task, peek
from celeriac.wire.virtual import Unpacked
from tests.unit.wire import golden

SERIALIZERS = {
    "application/json": "json",
    "application/x-yaml": "yaml",
    "application/x-msgpack": "msgpack",
    "application/x-python-serialize": "pickle",
}
V2 = golden.messages("tasks_v2")
V1 = golden.messages("tasks_v1")


def plain_body(unpacked: Unpacked) -> Any:
    method = unpacked.envelope.headers.get("compression")
    body = decompress(unpacked.envelope.body, method) if method else unpacked.envelope.body
    # Pickle's bytes depend on which equal objects are one object.
    return pickling.decode(body) if unpacked.envelope.content_type == "application/x-python-serialize" else body


def encoded_again(unpacked: Unpacked, protocol: int) -> Unpacked:
    envelope = unpacked.envelope
    message = decode_task(envelope, accept=None)
    kept = {"expiration", "delivery_mode", "argsrepr", "kwargsrepr"}
    again = encode_task(
        message,
        protocol=protocol,
        serializer=SERIALIZERS[envelope.content_type],
        compression=envelope.headers.get("compression"),
        properties={name: value for name, value in envelope.properties.items() if name in kept},
    )
    outgoing = Outgoing(again, unpacked.routing_key, unpacked.exchange, unpacked.priority)
    return virtual.unpack(virtual.pack(outgoing, tag=unpacked.tag))


@pytest.mark.parametrize(("name", "unpacked"), V2, ids=[name for name, _ in V2])
def test_a_version_2_message_of_celery_is_written_again_as_it_was(name: str, unpacked: Unpacked) -> None:
    again = encoded_again(unpacked, protocol=2)

    assert plain_body(again) == plain_body(unpacked)
    expected = unpacked.envelope
    assert list(again.envelope.headers.items()) == list(expected.headers.items())
    assert {**again.envelope.properties, "priority": 0} == {**expected.properties, "priority": 0}
    assert (again.envelope.content_type, again.envelope.content_encoding) == (expected.content_type, expected.content_encoding)
    assert again.replace(envelope=expected) == unpacked


# Left out: the call that brought its own, and two with characters that Celery does not escape; a line end in a log line would be a forged line.
REPRS = [(name, unpacked) for name, unpacked in V2 if name not in ("own reprs", "types", "text")]


@pytest.mark.parametrize(("name", "unpacked"), REPRS, ids=[name for name, _ in REPRS])
def test_the_reprs_that_celery_writes_are_ours(name: str, unpacked: Unpacked) -> None:
    headers = unpacked.envelope.headers
    message = decode_task(unpacked.envelope, accept=None)
    args = tuple(message.args)

    again = encode_task(message.replace(args=args, argsrepr=None, kwargsrepr=None), serializer="pickle")

    assert (again.headers["argsrepr"], again.headers["kwargsrepr"]) == (headers["argsrepr"], headers["kwargsrepr"])


@pytest.mark.parametrize(("name", "unpacked"), V1, ids=[name for name, _ in V1])
def test_a_version_1_message_of_celery_is_written_again_as_it_was(name: str, unpacked: Unpacked) -> None:
    again = encoded_again(unpacked, protocol=1)

    assert plain_body(again) == plain_body(unpacked)
    assert again.envelope.headers == unpacked.envelope.headers
    assert {**again.envelope.properties, "priority": 0} == {**unpacked.envelope.properties, "priority": 0}


@pytest.mark.parametrize(("name", "unpacked"), V2 + V1)
def test_the_head_says_what_the_message_says(name: str, unpacked: Unpacked) -> None:
    head, message = peek(unpacked.envelope, accept=None), decode_task(unpacked.envelope, accept=None)

    for field in ("task", "id", "eta", "expires", "retries", "timelimit", "group", "group_index", "argsrepr", "kwargsrepr", "stamps", "reply_to"):
        assert getattr(head, field) == getattr(message, field), field


def test_what_stamps_and_chains_look_like_when_read() -> None:
    found = {name: decode_task(unpacked.envelope, accept=None) for name, unpacked in V2}

    assert set(found["stamps"].stamped_headers or []) == {"tenant", "stage"}
    assert found["stamps"].stamps["tenant"] == "t1"
    assert [step["args"] for step in found["chain"].chain or []] == [[3], [2]]
    assert found["options"].timelimit == (9, 5.5)
    assert found["own headers"].headers == {"tenant": "t1", "depth": 2, "list": [1, None]}
    assert found["types"].args == [datetime(2020, 1, 1), [Decimal("1.10"), UUID(int=5), b"\xff"]]


def decoded_result(case: dict[str, Any]) -> tuple[ResultRecord, str]:
    serializer = case["settings"].get("result_serializer", "json")
    content_type = next(key for key, value in SERIALIZERS.items() if value == serializer)
    return ResultRecord(case["id"], case["state"], golden.body(case), content_type, "utf-8"), serializer


RESULTS = [case for case in golden.cases("results") if case["settings"].get("result_serializer") != "pickle"]


@pytest.mark.parametrize("case", RESULTS, ids=[f"{case['name']} {case['settings']}" for case in RESULTS])
def test_a_result_of_celery_is_written_again_as_it_was(case: dict[str, Any]) -> None:
    record, serializer = decoded_result(case)

    again = encode_result(decode_result(record, accept=None), serializer=serializer, compression=case["settings"].get("result_compression"))

    assert again.body == record.body


def test_exceptions_of_celery_are_rebuilt_as_ours() -> None:
    found = {case["name"]: decode_result(decoded_result(case)[0], accept=None) for case in RESULTS if not case["settings"]}

    assert type(found["revoked"].result) is TaskRevokedError
    assert type(found["not registered"].result) is NotRegistered
    assert type(found["soft limit"].result) is SoftTimeLimitExceeded
    assert (type(found["error"].result), found["error"].result.args) == (ValueError, ("bad", 5))
    assert type(found["nested error"].result).__qualname__ == "Nested.Inner"


VALUES: dict[str, Any] = {
    "naive datetime": datetime(2020, 1, 2, 3, 4, 5, 678901),
    "date": date(2020, 1, 2),
    "time": time(3, 4, 5, 678901),
    "decimal": Decimal("1.10"),
    "uuid": UUID("12345678-1234-4234-9234-123456789012"),
    "text bytes": b"abc",
    "other bytes": b"\xff\x00",
    "tuple": [1, [2, 3]],
    "big": 2**70,
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("case", golden.cases("json_values"), ids=[case["name"] for case in golden.cases("json_values")])
def test_a_json_value_of_celery_is_written_again_as_it_was(case: dict[str, Any]) -> None:
    text = case["text"].encode("ascii")

    value = json_codec.decode(text)

    assert json_codec.encode(value) == text
    if case["name"] in VALUES:
        assert value == VALUES[case["name"]]


@pytest.mark.parametrize(("name", "unpacked"), golden.messages("control"))
def test_a_command_of_celery_is_written_again_as_it_was(name: str, unpacked: Unpacked) -> None:
    again = encode_command(decode_command(unpacked.envelope))

    assert (again.exchange, again.routing_key) == (unpacked.exchange, unpacked.routing_key)
    assert again.envelope.body == unpacked.envelope.body
    assert again.envelope.headers == unpacked.envelope.headers


@pytest.mark.parametrize(("name", "unpacked"), golden.messages("events"))
def test_events_of_celery_are_written_again_as_they_were(name: str, unpacked: Unpacked) -> None:
    bodies = decode_events(unpacked.envelope)

    again = encode_batch(bodies) if unpacked.routing_key == BATCH_KEY else encode_event(bodies[0])

    assert (again.exchange, again.routing_key) == (unpacked.exchange, unpacked.routing_key)
    assert json.loads(again.envelope.body) == json.loads(unpacked.envelope.body)
    assert again.envelope.body == unpacked.envelope.body
