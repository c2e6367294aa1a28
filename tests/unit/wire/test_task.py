from __future__ import annotations

from typing import Any

import pytest

from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import ContentDisallowed, DecodeError, EncodeError, ImproperlyConfigured, InvalidTaskError
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import decode_task, encode_task, format_time, parse_time, peek
from celeriac.wire.virtual import pack, unpack

JSON = frozenset({"application/json"})
FULL = TaskMessage(
    "tasks.add",
    "id-1",
    args=[1, 2],
    kwargs={"z": 3},
    callbacks=[{"task": "tasks.done"}],
    errbacks=[{"task": "tasks.failed"}],
    shadow="other",
    eta="2030-01-01T00:00:00+00:00",
    expires="2031-01-01T00:00:00+00:00",
    group="group-1",
    group_index=3,
    retries=2,
    timelimit=(9, 5.5),
    root_id="root",
    parent_id="parent",
    argsrepr="(1, 2)",
    kwargsrepr="{'z': 3}",
    origin="gen1@host",
    ignore_result=True,
    replaced_task_nesting=1,
    stamped_headers=["tenant"],
    stamps={"tenant": "t1"},
    headers={"unknown": [1]},
    reply_to="somebody",
    correlation_id="other-id",
)


@pytest.mark.parametrize("serializer", ["json", "msgpack", "yaml", "pickle"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_message_comes_back_whole_with_headers_nobody_knows(serializer: str, compression: str | None) -> None:
    message = FULL.replace(chain=[{"task": "tasks.last"}], chord={"task": "tasks.body"})

    envelope = encode_task(message, serializer=serializer, compression=compression)

    assert decode_task(envelope, accept=None) == message


def test_a_version_1_message_keeps_what_version_1_knows() -> None:
    again = decode_task(encode_task(FULL, protocol=1), JSON)

    lost: dict[str, Any] = {
        "shadow": None,
        "root_id": None,
        "parent_id": None,
        "origin": None,
        "ignore_result": None,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        "argsrepr": "[1, 2]",
    }
    assert again == FULL.replace(**lost)


def test_a_chain_becomes_nested_callbacks_in_version_1() -> None:
    message = TaskMessage("tasks.first", "id", chain=[{"task": "tasks.third"}, {"task": "tasks.second", "options": {"task_id": "2"}}])

    again = decode_task(encode_task(message, protocol=1), JSON)

    assert again.callbacks == [{"task": "tasks.second", "options": {"task_id": "2", "link": [{"task": "tasks.third", "options": {}}]}}]


def test_a_message_of_another_language_needs_only_a_task_and_an_id() -> None:
    envelope = Envelope({"task": "tasks.add", "id": "1"}, b"[[1], {}]")

    assert decode_task(envelope, JSON) == TaskMessage("tasks.add", "1", args=[1])
    assert (peek(envelope).retries, peek(envelope).timelimit) == (0, (None, None))


def test_nulls_and_numbers_as_text_are_taken_for_what_they_mean() -> None:
    headers = {"task": "t", "id": "1", "retries": "3", "timelimit": None, "stamps": None, "lang": None, "ignore_result": None}

    message = decode_task(Envelope(headers, b"[null, null, null]"), JSON)

    assert (message.retries, message.timelimit, message.args, message.kwargs, message.lang) == (3, (None, None), (), {}, "py")


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope({}, b"{}"),
        Envelope({}, b'{"task": "t"}'),
        Envelope({}, b"[[], {}, {}]"),
        Envelope({"task": "t"}, b"[[], {}]"),
        Envelope({"task": 5, "id": "1"}, b"[[], {}]"),
        Envelope({"task": "t", "id": None}, b"[[], {}]"),
        Envelope({"task": "t", "id": "1", "retries": "many"}, b"[[], {}]"),
        Envelope({"task": "t", "id": "1", "timelimit": [1]}, b"[[], {}]"),
        Envelope({"task": "t", "id": "1"}, b"[]"),
        Envelope({"task": "t", "id": "1"}, b"{}"),
        Envelope({"task": "t", "id": "1"}, b'["text", {}]'),
        Envelope({"task": "t", "id": "1"}, b"[[], []]"),
        Envelope({"task": "t", "id": "1"}, b"[[], {}, 5]"),
        Envelope({"task": "t", "id": "1"}, b""),
        Envelope({}, b'{"task": "t", "id": "1", "timelimit": 5}'),
        Envelope({}, b'{"task": "t", "id": "1", "args": 5}'),
        Envelope({}, b'{"task": "t", "id": "1", "retries": "x"}'),
        Envelope({}, b'{"task": "t", "id": "1", "utc": false, "eta": "x"}'),
    ],
)
def test_a_malformed_message_is_refused_by_one_kind_of_error(envelope: Envelope) -> None:
    with pytest.raises(InvalidTaskError):
        decode_task(envelope, JSON)


def test_errors_of_reading_name_the_task() -> None:
    headers = {"task": "tasks.add", "id": "1"}
    with pytest.raises(DecodeError, match=r"tasks\.add\[1\]: .*not valid application/json"):
        decode_task(Envelope(headers, b"{bad"), JSON)
    with pytest.raises(ContentDisallowed, match=r"tasks\.add\[1\]: .*pickle.*accept_content"):
        decode_task(encode_task(TaskMessage("tasks.add", "1"), serializer="pickle"), JSON)
    with pytest.raises(DecodeError, match=r"tasks\.add\[1\]: There is no compression 'zip'"):
        decode_task(Envelope({**headers, "compression": "zip"}, b"x"), JSON)


def test_peeking_does_not_open_the_body_of_version_2_nor_pickles_of_version_1() -> None:
    assert peek(Envelope({"task": "t", "id": "1"}, b"{bad", "application/x-python-serialize")).id == "1"
    with pytest.raises(ContentDisallowed):
        peek(encode_task(TaskMessage("t", "1"), protocol=1, serializer="pickle"))


def test_an_argument_that_cannot_be_written_is_named() -> None:
    with pytest.raises(EncodeError, match=r"json cannot write args\[1\]\.user: a value of type object"):
        encode_task(TaskMessage("t", "1", args=(1, {"user": object()})))
    with pytest.raises(EncodeError, match=r"json cannot write kwargs\.user"):
        encode_task(TaskMessage("t", "1", kwargs={"user": object()}), protocol=1)


def test_own_headers_never_replace_those_of_the_protocol() -> None:
    envelope = encode_task(TaskMessage("t", "1", headers={"id": "2", "compression": "x", "own": 1}))

    assert (envelope.headers["id"], envelope.headers["own"], "compression" in envelope.headers) == ("1", 1, False)


def test_properties_of_the_call_win() -> None:
    assert encode_task(TaskMessage("t", "1"), properties={"delivery_mode": 1, "x": 2}).properties == {
        "correlation_id": "1",
        "reply_to": "",
        "delivery_mode": 1,
        "x": 2,
    }


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="task_protocol"):
        encode_task(TaskMessage("t", "1"), protocol=3)


def test_instants() -> None:
    assert format_time(0) == "1970-01-01T00:00:00+00:00"
    assert format_time(1.5) == "1970-01-01T00:00:01.500000+00:00"
    assert parse_time("1970-01-01T02:00:01.5+02:00") == 1.5
    assert parse_time("1970-01-01T00:00:01Z") == parse_time("1970-01-01T00:00:01") == parse_time(1) == 1.0
    with pytest.raises(InvalidTaskError, match="'soon' is not an instant"):
        parse_time("soon")


@pytest.mark.parametrize("text", ["plain", "\ud800"])
def test_the_envelope_of_stores_gives_back_what_it_was_given(text: str) -> None:
    envelope = encode_task(FULL.replace(headers={"text": text}), properties={"expiration": "60000"})

    found = unpack(pack(Outgoing(envelope, "key", "exchange", 5), tag="tag-1", redelivered=True))

    assert found.envelope == envelope.replace(properties={**envelope.properties, "priority": 5})
    assert (found.exchange, found.routing_key, found.priority, found.tag, found.redelivered) == ("exchange", "key", 5, "tag-1", True)


def test_the_envelope_of_stores_may_hold_its_body_as_text() -> None:
    found = unpack('{"body": "[[\\"é\\"], {}]", "headers": {"task": "t", "id": "1"}, "content-type": "application/json"}'.encode())

    assert decode_task(found.envelope, JSON).args == ["é"]


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{bad", b'{"headers": 5}', b'{"body": "***", "properties": {"body_encoding": "base64"}}', b'{"properties": {"delivery_info": 5}}'],
)
def test_what_is_no_envelope_of_a_store_is_a_decode_error(text: bytes) -> None:
    with pytest.raises(DecodeError):
        unpack(text)
