from __future__ import annotations

from typing import Any

import pytest

from celeriac.drivers.rabbitmq import native
from celeriac.drivers.rabbitmq.address import Address, address_of
from celeriac.drivers.rabbitmq.answering import Answering
from celeriac.drivers.rabbitmq.backend import RpcBackend
from celeriac.drivers.rabbitmq.content import decode_header, encode_message
from celeriac.drivers.rabbitmq.errors import ChannelClosed, of_closed
from celeriac.drivers.rabbitmq.fused import RpcSettler
from celeriac.drivers.rabbitmq.memory import Stale, Tries, key_of, tag_for
from celeriac.drivers.rabbitmq.methods import Method, decode, encode
from celeriac.drivers.rabbitmq.tables import decode_table, encode_table
from celeriac.drivers.rabbitmq.topology import Definitions, arguments_of
from celeriac.drivers.rabbitmq.windows import Windows
from celeriac.lib.urls import parse
from celeriac.model.effects import Writes
from celeriac.model.envelope import Delivery, Envelope, Outgoing, Settlement, Verdict
from celeriac.model.errors import EncodeError, ImproperlyConfigured, OperationalError
from celeriac.model.record import ResultRecord
from celeriac.model.topology import Exchange, Queue


def delivery(tag: int, name: str = "a", deliveries: int = 1) -> Delivery:
    envelope = Envelope({"id": name}, b"body")
    return Delivery(tag_for(tag, "q", envelope), "q", envelope, deliveries=deliveries)


# --- bytes


def test_a_table_is_read_as_it_was_written() -> None:
    table = {"text": "ü", "none": None, "yes": True, "int": -5, "long": 2**50, "float": 0.1, "list": [1, [None, "x"]], "table": {"a": {"b": 1}}}

    assert (table, len(encode_table(table))) == decode_table(encode_table(table), 0)


def test_what_does_not_fit_sixty_four_bits_travels_as_text() -> None:
    assert decode_table(encode_table({"n": 2**70}), 0)[0] == {"n": str(2**70)}


def test_what_a_table_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(EncodeError, match="set"):
        encode_table({"n": {1, 2}})


def test_numbers_and_times_of_other_clients_are_read() -> None:
    content = b"\1bb\xff" + b"\1uu\xff\xff" + b"\1TT" + (1_700_000_000).to_bytes(8, "big") + b"\1DD\2" + (314).to_bytes(4, "big")

    found, _ = decode_table(len(content).to_bytes(4, "big") + content, 0)

    assert found == {"b": -1, "u": 65535, "T": 1_700_000_000, "D": 3.14}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("basic.consume", (0, "queue", "tag", False, True, False, True, {"x": 1})),
        ("queue.declare", (0, "q ü", False, True, False, True, False, {})),
        ("connection.tune-ok", (2047, 131072, 20)),
        ("basic.ack", (7, True)),
    ],
)
def test_a_method_is_read_as_it_was_written(name: str, values: tuple[Any, ...]) -> None:
    frame = encode(name, 3, *values)

    assert (frame[:3], frame[-1:], decode(frame[7:-1])) == (b"\1\0\3", b"\xce", (name, values))


def test_properties_survive_and_durable_is_the_default() -> None:
    envelope = Envelope({"id": "a"}, b"body", "text/plain", "utf-8", {"correlation_id": "c", "reply_to": "", "priority": 3})
    frames = encode_message(Outgoing(envelope, "q"), 131_072)

    start = frames.index(b"\xce") + 1
    size, found, priority = decode_header(frames[start + 7 : start + 7 + int.from_bytes(frames[start + 3 : start + 7], "big")])

    assert (size, priority, found) == (4, 3, envelope.replace(body=b""))


def test_a_body_is_cut_into_frames_of_the_agreed_size() -> None:
    frames = encode_message(Outgoing(Envelope({}, b"x" * 10_000), "q"), 4096)

    assert [len(part) for part in frames.split(b"\xce") if part.startswith(b"\3")] == [4095, 4095, 10_000 - 2 * 4088 + 7]


# --- what is remembered


def test_what_was_never_begun_does_not_count_as_a_delivery() -> None:
    tries = Tries()
    tries.note(delivery(1), untouched=True)
    tries.note(delivery(2, "b", deliveries=3), untouched=False)

    assert [tries.before(delivery(n, name), 1) for n, name in ((3, "a"), (4, "b"), (5, "c"))] == [0, 3, 1]


def test_what_still_runs_here_is_ours_again_under_its_new_tag() -> None:
    stale = Stale()
    stale.cut([delivery(1), delivery(2, "b")], [])

    assert stale.meet(delivery(11)) is False
    assert (stale.current(1), stale.meet(delivery(12)), stale.meet(delivery(13, "other"))) == (11, None, None)


def test_what_ended_while_the_connection_was_away_is_done_when_it_comes_again() -> None:
    stale = Stale()
    stale.cut([delivery(1), delivery(2, "b")], [])
    stale.settled(1, done=True)
    stale.settled(2, done=False)

    assert (stale.meet(delivery(11)), stale.meet(delivery(12, "b")), stale.meet(delivery(13))) == (True, None, None)


def test_what_an_earlier_consumer_handed_out_is_known_by_its_tag_when_it_is_done() -> None:
    stale = Stale()
    stale.cut([delivery(1)], [])
    stale.ended_unknown(key_of(delivery(2, "b").tag))

    assert stale.awaited() == {"q": 2}
    assert (stale.meet(delivery(11)), stale.meet(delivery(12, "b")), stale.meet(delivery(13, "b"))) == (False, True, None)
    assert stale.awaited() == {}


def test_a_second_cut_keeps_the_first_tag_known() -> None:
    stale = Stale()
    stale.cut([delivery(1)], [])
    stale.meet(delivery(11))
    stale.cut([delivery(11)], [])

    assert (stale.meet(delivery(21)), stale.current(1)) == (False, 21)


# --- windows


class FakeChannel:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, name: str, *values: Any) -> None:
        self.sent.append(f"{name} {values[1] if name != 'basic.cancel' else values[0]}")


def test_a_window_is_opened_once_and_replaced_when_it_is_too_narrow() -> None:
    channel = FakeChannel()
    windows = Windows(channel)  # type: ignore[arg-type]

    windows.want("q", 10, {})
    windows.want("q", 10, {})
    found = windows.of("celeriac.1")
    assert found is not None
    found.used = 8
    windows.want("q", 10, {})
    windows.shut_all()

    cancels = ["basic.cancel celeriac.1", "basic.cancel celeriac.2"]
    assert channel.sent == ["basic.qos 10", "basic.consume q", cancels[0], "basic.consume q", cancels[1]]


# --- names, addresses, errors


def test_native_delays_write_the_seconds_in_binary_before_the_key() -> None:
    sent = native.delayed(Outgoing(Envelope({}, b""), "image.crop", "media"), 5)

    assert (sent.exchange, sent.routing_key) == ("celery_delayed_27", "0." * 25 + "1.0.1.image.crop")
    assert (native.original_key(sent.routing_key), native.original_key("1.0.x")) == ("image.crop", "1.0.x")


def test_fields_of_a_queue_become_arguments_in_milliseconds() -> None:
    queue = Queue("q", max_priority=9, expires=1.5, message_ttl=2, max_length=7, queue_arguments={"x-queue-mode": "lazy"})

    assert arguments_of(queue) == {"x-queue-mode": "lazy", "x-max-priority": 9, "x-expires": 1500, "x-message-ttl": 2000, "x-max-length": 7}


def test_an_unknown_queue_is_what_the_application_says_or_plain() -> None:
    asked = Definitions(lambda name: Queue(name, queue_arguments={"x-queue-type": "quorum"}) if name == "mine" else None)

    assert asked.of("mine").queue_arguments == asked.of("mine.dead").queue_arguments == {"x-queue-type": "quorum"}
    assert asked.of("other") == Queue("other", Exchange("other"), "other")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("amqp://", ("localhost", 5672, "/", "guest")),
        ("pyamqp://me:secret@host//", ("host", 5672, "/", "me")),
        ("amqp://host:1/shop", ("host", 1, "shop", "guest")),
        ("amqp://host/%2Fshop", ("host", 5672, "/shop", "guest")),
        ("amqps://host", ("host", 5671, "/", "guest")),
    ],
)
def test_urls_are_taken_apart_as_celery_does(url: str, where: tuple[str, int, str, str]) -> None:
    found = address_of(parse(url))

    assert (found.host, found.port, found.vhost, found.user) == where


def test_a_refusal_says_what_differs() -> None:
    text = "PRECONDITION_FAILED - inequivalent arg 'x-max-priority' for queue 'celery' in vhost '/': received none but current is the value '9'"

    error = of_closed(ChannelClosed(406, text, "host:5672"))

    assert isinstance(error, ImproperlyConfigured)
    assert "The queue 'celery' on RabbitMQ at host:5672 was declared before with another 'x-max-priority': received none" in str(error)


def test_a_result_and_the_settlement_of_its_message_are_one_write_and_what_follows_comes_first() -> None:
    calls: list[Any] = []

    class Apart:
        def flush(self, writes: Any, body_of: Any) -> None:
            calls.append(("apart", [(len(write.records), len(write.publish), write.settlement is not None) for write in writes]))

    backend = RpcBackend(Address(), reply_to="")
    settler = RpcSettler(Apart(), backend, lambda shares: calls.extend(("together", len(r), len(s)) for r, s in shares))  # type: ignore[arg-type]
    ack, record = Settlement(Verdict.ACK, "1 q", "q"), ResultRecord("a", "SUCCESS", b"{}", reply_to="caller")
    follow_up = Outgoing(Envelope({}, b""), "next")

    unanswered = record.replace(reply_to=None)
    writes = [Writes(ack, (record,), (follow_up,)), Writes(ack, (record,)), Writes(None, (record,)), Writes(ack), Writes(ack, (unanswered,))]
    settler.flush(writes, lambda due: [])

    assert calls == [("apart", [(0, 1, False), (1, 0, False), (0, 0, True), (1, 0, True)]), ("together", 2, 2)]


class Line:
    """A connection on which nothing comes."""

    where, patience, blocked, failure = "here", 0.0, None, None

    def wait(self, done: Any, timeout: float) -> bool:
        return bool(done())

    def fail(self, error: Exception) -> Exception:
        self.failure = error  # type: ignore[assignment]
        return error


class Quiet:
    """A channel that agrees to all."""

    closed = None

    def call(self, *_: Any) -> None: ...


def test_results_are_waited_for_until_the_server_has_them_all() -> None:
    line = Line()
    answering = Answering(line, Quiet())  # type: ignore[arg-type]
    answering.wait()
    answering.begin()
    answering.sent(3)
    answering.confirmed(Method("basic.ack", (2, True)))
    line.blocked = "low on memory"  # type: ignore[assignment]

    with pytest.raises(OperationalError, match="low on memory"):
        answering.wait()
    # Cut off, what is on its way would be done again: the connection stays.
    assert line.failure is None
    line.blocked = None
    with pytest.raises(OperationalError, match="did not confirm"):
        answering.wait()
    assert line.failure is not None
    answering.confirmed(Method("basic.nack", (3, False)))
    with pytest.raises(OperationalError, match="refused 1 results"):
        answering.wait()
    answering.wait()


def test_what_the_applications_queues_say_of_an_exchange_is_learnt_when_it_is_asked_for() -> None:
    images = Queue("images", Exchange("media", "topic"), "image.#", queue_arguments={"x-queue-type": "quorum"})
    known = {"images": images, "other": Queue("other"), "all": Queue("all", Exchange("all", "fanout"))}
    definitions = Definitions(known.get, lambda: known)

    assert (definitions.exchange("media"), definitions.quorum) == (Exchange("media", "topic"), True)
    assert definitions.bound_to("media") == [images]
    assert definitions.exchange("unheard of") is None
