from __future__ import annotations

import pickle
import ssl
import sys

import pytest

from celeriac.drivers.redis import library, messages, results
from celeriac.drivers.redis.address import address_of
from celeriac.drivers.redis.bindings import topic_pattern
from celeriac.drivers.redis.errors import ServerError, of_reply
from celeriac.drivers.redis.keys import BrokerKeys, ResultKeys, result_prefix
from celeriac.lib.urls import censor, parse
from celeriac.model.envelope import Envelope, Outgoing
from celeriac.model.errors import ImproperlyConfigured, MissingExtra, OperationalError
from celeriac.model.record import ResultMeta, ResultRecord
from celeriac.wire import serializers
from celeriac.wire.results import encode_result


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", ((("localhost", 6379),), "", 0, None, None)),
        ("redis://host:1234/7", ((("host", 1234),), "", 7, None, None)),
        ("redis://:p%40ss@host", ((("host", 6379),), "", 0, None, "p@ss")),
        ("redis://user:secret@host/1", ((("host", 6379),), "", 1, "user", "secret")),
        ("redis://host?db=3", ((("host", 6379),), "", 3, None, None)),
        ("redis+socket:///run/redis.sock?virtual_host=2", ((), "/run/redis.sock", 2, None, None)),
        ("redis+socket://:secret@/run/redis.sock", ((), "/run/redis.sock", 0, None, "secret")),
        ("valkey://host/4", ((("host", 6379),), "", 4, None, None)),
    ],
)
def test_a_url_names_a_server_and_a_database(url: str, expected: tuple[object, ...]) -> None:
    found = address_of(parse(url))

    assert expected == (found.hosts, found.path, found.db, found.user, found.password)


@pytest.mark.parametrize("url", ["sentinel://:pw@a:1;sentinel://b:2;sentinel://c/5", "sentinel://:pw@a:1;b:2;c/5", "sentinel://:pw@a:1/5;b:2;c"])
def test_sentinels_are_named_together(url: str) -> None:
    found = address_of(parse(url), {"master_name": "mymaster", "sentinel_kwargs": {"password": "x"}})

    assert ((("a", 1), ("b", 2), ("c", 26379)), 5, "pw") == (found.hosts, found.db, found.password)
    assert ("mymaster", {"password": "x"}) == (found.master, found.sentinel)


def test_passwords_of_all_sentinels_are_hidden() -> None:
    assert "sentinel://:**@a:1;sentinel://:**@b:2" == censor("sentinel://:one@a:1;sentinel://:two@b:2")


@pytest.mark.parametrize(
    ("url", "options", "text"),
    [
        ("redis://host/broker", {}, "is a number"),
        ("sentinel://host", {}, "master_name"),
        ("rediss://host?ssl_cert_reqs=maybe", {}, "required, optional or none"),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, options: dict[str, object], text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=text):
        address_of(parse(url), options)


def test_tls_checks_certificates_unless_told_otherwise() -> None:
    assert {"ssl_cert_reqs": ssl.CERT_REQUIRED} == address_of(parse("rediss://host")).tls
    assert {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False} == address_of(parse("rediss://host?ssl_cert_reqs=CERT_NONE")).tls
    named = address_of(parse("rediss://host?ssl_ca_certs=/ca.pem&ssl_cert_reqs=optional")).tls
    assert {"ssl_cert_reqs": ssl.CERT_OPTIONAL, "ssl_ca_certs": "/ca.pem"} == named
    assert address_of(parse("redis://host")).tls is None


def test_timeouts_are_set_even_if_nobody_sets_them() -> None:
    assert (3.0, 5.0) == (address_of(parse("redis://host")).connect_timeout, address_of(parse("redis://host")).read_timeout)
    assert 1.5 == address_of(parse("redis://host"), {"socket_timeout": 1.5}).read_timeout


def test_two_databases_of_one_server_are_one_place() -> None:
    first, second, other = (address_of(parse(url)) for url in ("redis://host/0", "redis://host/1", "redis://other/0"))

    assert first.place == second.place
    assert first.place != other.place


def test_lists_are_celerys() -> None:
    queue = BrokerKeys({"global_keyprefix": "pre:"}).queue("celery")

    assert (b"pre:celery", b"pre:celery\x06\x163", b"pre:celery\x06\x166", b"pre:celery\x06\x169") == queue.lists


@pytest.mark.parametrize(("priority", "step"), [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2), (8, 2), (9, 3), (200, 3), (-4, 0)])
def test_a_priority_goes_to_the_list_of_its_step(priority: int, step: int) -> None:
    assert step == BrokerKeys().step(priority)


def test_priority_steps_and_separator_are_options() -> None:
    queue = BrokerKeys({"priority_steps": ["0", 5], "sep": ":"}).queue("q")

    assert (b"q", b"q:5") == queue.lists
    with pytest.raises(ImproperlyConfigured, match="begin with 0"):
        BrokerKeys({"priority_steps": [1, 2]})


@pytest.mark.parametrize("prefix", ["", "pre:", "{pre}:"])
@pytest.mark.parametrize("name", ["celery", "with{tag}inside", "ünïcode \x00"])
def test_all_keys_of_a_queue_share_its_slot(prefix: str, name: str) -> None:
    key_slot = pytest.importorskip("redis.crc").key_slot
    keys = BrokerKeys({"global_keyprefix": prefix}, cluster=True)
    queue = keys.queue(name)

    found = [*queue.lists, queue.delayed, queue.owners, queue.dead, queue.dead_texts, queue.dead_reasons, queue.held("w"), queue.taken("w")]
    found += [*keys.waiters([name]), keys.bell([name], "w").encode()]

    assert {key_slot((prefix + name).encode())} == {key_slot(key) for key in found}
    assert len(found) == len(set(found))


def test_queues_with_the_same_tag_have_keys_of_their_own() -> None:
    keys = BrokerKeys()

    assert keys.queue("a{tag}").delayed != keys.queue("b{tag}").delayed


def test_a_result_and_a_chord_keep_their_keys_together_in_a_cluster() -> None:
    key_slot = pytest.importorskip("redis.crc").key_slot
    keys = ResultKeys(cluster=True)

    assert key_slot(keys.task("t").encode()) == key_slot(keys.about("t").encode())
    assert 1 == len({key_slot(key.encode()) for key in keys.chord("g")})


@pytest.mark.parametrize(("given", "expected"), [("", ""), ("pre", "pre_"), ("pre:", "pre:"), ("pre_", "pre_"), ("pre-", "pre-"), ("pre.", "pre.")])
def test_the_prefix_of_results_is_joined_as_celery_does_it(given: str, expected: str) -> None:
    assert expected == result_prefix({"global_keyprefix": given})


@pytest.mark.parametrize(
    ("routing_key", "pattern"),
    [("image.*", r"^image\.[^\.]+$"), ("#", r"^.*?$"), ("*.a.#", r"^[^\.]+\.a\..*?$"), ("a-b.+", r"^a\-b\.\+$"), ("a.#", r"^a\..*?$")],
)
def test_topic_bindings_carry_celerys_pattern(routing_key: str, pattern: str) -> None:
    assert pattern == topic_pattern(routing_key)


def sent(**properties: object) -> Outgoing:
    return Outgoing(Envelope({"id": "a", "task": "t"}, b"body", properties={"correlation_id": "a", **properties}), "celery", priority=3)


def test_a_message_is_read_as_it_was_written() -> None:
    found = messages.delivery(messages.pack(sent()), "tag", "celery")

    assert sent().envelope.replace(properties={"correlation_id": "a", "priority": 3}) == found.envelope
    assert ("tag", "celery", False, 1, 3) == (found.tag, found.queue, found.redelivered, found.deliveries, found.priority)


def test_a_message_that_was_handed_out_says_so() -> None:
    text = messages.redelivered(messages.redelivered(messages.pack(sent())))

    found = messages.delivery(text, "tag", "celery")

    assert (True, 3) == (found.redelivered, found.deliveries)
    assert {"correlation_id": "a", "priority": 3} == found.envelope.properties
    assert 1 == messages.delivery(messages.redelivered(text, 0), "tag", "celery").deliveries


@pytest.mark.parametrize("text", [b"", b"\xff\x00", b"[]", b"null", b'{"properties": 3}', b'{"body": {}, "properties": {"body_encoding": "base64"}}'])
def test_what_is_no_message_is_handed_out_for_the_engine_to_refuse(text: bytes) -> None:
    found = messages.delivery(text, "tag", "celery")

    assert {} == found.envelope.headers
    assert {} == messages.delivery(messages.redelivered(text), "tag", "celery").envelope.headers


def test_a_time_before_which_it_must_not_run_travels_with_a_message() -> None:
    found = messages.delivery(messages.pack(sent(), **{messages.DUE: 12.5}), "tag", "celery")

    assert (12.5, None) == (messages.due_of(found), messages.due_of(found))


def test_tags_sort_by_age() -> None:
    older, newer = messages.Tags(1_000, "ff"), messages.Tags(2_000, "00")
    tags = [f"{newer.prefix}{newer.reserve(1)}.0", f"{older.prefix}{older.reserve(10)}.3", f"{older.prefix}{older.reserve(1)}.0"]

    assert [tags[1], tags[2], tags[0]] == sorted(tags, key=messages.age)
    assert [0, 3, 0] == [messages.list_of(tag) for tag in tags]


META = {"status": "FAILURE", "result": 3, "traceback": None}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_result_tells_its_state(protocol: int) -> None:
    text = pickle.dumps(META, protocol=protocol)

    assert ResultRecord("t", "FAILURE", text, *results.PICKLE) == results.read("t", text)


def test_results_of_other_serializers_tell_their_state() -> None:
    msgpack = b"\x83\xa6status\xa7FAILURE\xa6result\x03\xa9traceback\xc0"

    assert ResultRecord("t", "FAILURE", msgpack, *results.MSGPACK) == results.read("t", msgpack)
    assert ResultRecord("t", "PROGRESS", b'{"status": "PROGRESS"}', *results.JSON) == results.read("t", b'{"status": "PROGRESS"}')
    assert ResultRecord("t", "X-1", b' {"status":"X-1"}', *results.JSON) == results.read("t", b' {"status":"X-1"}')


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"status", b"\x80", b"\x80\x04status", b"\x83\xa6status", b"children: []\n", b"\x81\xa6status\xa9x"]
)
def test_what_does_not_tell_its_state_is_kept_with_it(text: bytes) -> None:
    record = ResultRecord("t", "MY_STATE", text, "application/x-yaml", "utf-8")

    assert results.read("t", text) is None
    assert record == results.read_with("t", text, results.unsaid(record))


def test_nothing_is_kept_beside_a_task_meta() -> None:
    assert b"" == results.unsaid(ResultRecord("t", "FAILURE", b'{"status": "FAILURE", "result": null}'))
    assert b"" != results.unsaid(ResultRecord("t", "FAILURE", b'{"status": "SUCCESS", "result": null}'))


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        ("NOAUTH Authentication required.", ImproperlyConfigured, "password"),
        ("READONLY You can't write against a read only replica.", OperationalError, "replica"),
        ("LOADING Redis is loading the dataset in memory", OperationalError, "starting"),
        ("OOM command not allowed when used memory > 'maxmemory'.", OperationalError, "memory"),
        ("ERR unknown command 'BLMOVE'", ImproperlyConfigured, "6.2"),
        ("ERR something else", OperationalError, "something else"),
    ],
)
def test_a_refusal_says_what_to_do(reply: str, kind: type[Exception], text: str) -> None:
    error = of_reply(ServerError(reply), "host:6379 (db 0)")

    assert type(error) is kind
    assert text in str(error)
    assert "host:6379" in str(error)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hiredis", None)

    with pytest.raises(MissingExtra, match=r"celeriac\[redis\]"):
        library.hiredis()


@pytest.mark.parametrize("value", [{"a": "status: FAILURE"}, "one\nstatus: FAILURE\n", ["status: STARTED"]])
def test_a_result_that_celery_wrote_as_yaml_tells_its_state(value: object) -> None:
    text = serializers.dumps({"status": "SUCCESS", "result": value, "children": [], "task_id": "a"}, "yaml")[2]

    read = results.read("a", text)

    assert read is not None
    assert (read.state, read.content_type) == ("SUCCESS", "application/x-yaml")


def test_what_stood_beside_a_result_does_not_count_when_celery_has_overwritten_it() -> None:
    ours = encode_result(ResultMeta("a", "RETRY", None), serializer="json", compression="zlib")
    theirs = encode_result(ResultMeta("a", "SUCCESS", 1), serializer="json", compression="zlib")
    beside = results.unsaid(ours)

    assert "RETRY" == results.read_with("a", ours.body, beside).state
    assert "SUCCESS" == results.read_with("a", theirs.body, beside).state


@pytest.mark.parametrize("wanted", ["many", -1])
def test_a_number_of_replicas_is_a_number(wanted: object) -> None:
    with pytest.raises(ImproperlyConfigured, match="wait_replicas is a number"):
        address_of(parse("redis://"), {"wait_replicas": wanted})
