"""What the RabbitMQ driver does beyond the conformance suites: cuts, alarms, refusals, queue types, Celery's delayed delivery, results by message."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from celeriac.drivers.registry import open_backend, open_broker
from celeriac.model.envelope import Outgoing, Verdict
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.model.topology import Binding, Exchange, Queue
from celeriac.testing.conformance.making import QUEUE, ack, fetch, fetch_names, message, names, publish, record, verdict
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import RabbitServer, rabbitmq  # noqa: F401 (a fixture)

Open = Callable[..., Any]


@pytest.fixture
def url(rabbitmq: RabbitServer) -> str:  # noqa: F811
    return rabbitmq.vhost()


@pytest.fixture
def opened(url: str) -> Iterator[Open]:
    brokers = []

    def make(owner: str = "w1", **options: Any) -> Any:
        broker = open_broker(url, owner=owner, options=options)
        broker.connect()
        brokers.append(broker)
        return broker

    yield make
    for broker in brokers:
        broker.close()


def cut(broker: Any) -> None:
    """Cut every connection of a broker, as a network would."""
    for session in (broker._session, broker._sending._session):
        found = session._current
        if found is not None:
            found[0]._socket.shutdown(2)


def again(call: Callable[[], Any], timeout: float = 10.0) -> Any:
    """Call until it does not fail for want of a connection and returns something."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found = call()
            if found or time.monotonic() > deadline:
                return found
        except OperationalError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def test_what_runs_here_when_the_connection_is_cut_is_not_handed_out_again(opened: Open) -> None:
    broker = opened()
    publish(broker, "running", "waiting")
    (running,) = fetch(broker, limit=1)
    cut(broker)

    (waiting,) = again(lambda: fetch(broker, wait=1))
    broker.settle(ack(running, waiting))

    assert names([waiting]) == ["waiting"]
    broker.close()
    assert fetch(opened("w2")) == []


def test_what_was_acknowledged_in_vain_is_not_handed_out_again(opened: Open) -> None:
    broker = opened()
    publish(broker, "a", "b")
    a, b = fetch(broker)
    cut(broker)
    again(lambda: broker.settle(ack(a)) or True)

    assert fetch(broker, wait=0.3) == []
    broker.settle([verdict(Verdict.REQUEUE, b)])

    assert names(again(lambda: fetch(broker, wait=1))) == ["b"]


def test_a_cut_while_a_fetch_waits_is_an_operational_error_and_then_it_goes_on(opened: Open) -> None:
    broker = opened()
    failed: list[Exception] = []

    def wait() -> None:
        try:
            fetch(broker, wait=20)
        except OperationalError as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)

    cut(broker)
    thread.join(5)

    assert len(failed) == 1
    publish(opened(""), "a")
    assert fetch_names(broker, wait=10) == ["a"]


def test_a_black_hole_is_noticed_by_heartbeat_and_by_the_publish_timeout(url: str, rabbitmq: RabbitServer) -> None:  # noqa: F811
    proxy = Proxy(rabbitmq.port)
    through = url.replace(f":{rabbitmq.port}/", f":{proxy.port}/")
    broker = open_broker(through, owner="w1", options={"heartbeat": 1, "publish_timeout": 1.0, "connect_timeout": 1.0})
    broker.connect()
    publish(broker, "a")
    assert fetch_names(broker, wait=5) == ["a"]

    proxy.stall()
    began = time.monotonic()
    with pytest.raises(OperationalError, match="did not confirm in 1 s"):
        publish(broker, "b")
    assert time.monotonic() - began < 2
    with pytest.raises(OperationalError):
        fetch(broker, wait=10)
    assert time.monotonic() - began < 6
    proxy.cut()
    proxy.flow()

    again(lambda: publish(broker, "c") or True)
    assert "c" in again(lambda: fetch_names(broker, wait=1))
    broker.close()
    proxy.close()


def test_a_queue_that_is_deleted_while_it_is_consumed_is_declared_again(opened: Open) -> None:
    broker, other = opened(), opened("")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(fetch_names(broker, wait=20)))
    thread.start()
    time.sleep(0.2)

    other._sending.get().admin.call("queue.delete", 0, QUEUE, False, False, False)
    publish(other, "a")
    thread.join(10)

    assert found == ["a"]


def test_a_publish_ends_in_time_when_the_server_is_short_of_memory(opened: Open, rabbitmq: RabbitServer) -> None:  # noqa: F811
    broker = opened("w1", publish_timeout=1.0)
    publish(broker, "a")
    (a,) = fetch(broker)
    rabbitmq.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1000000}).")
    try:
        began = time.monotonic()
        with pytest.raises(OperationalError, match="takes no messages at the moment: low on memory"):
            publish(broker, "b")
        assert time.monotonic() - began < 3
        # Acknowledgements travel on a connection that the server goes on reading.
        broker.settle(ack(a))
    finally:
        rabbitmq.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 600000000}).")
    again(lambda: publish(broker, "c") or True)
    assert "c" in fetch_names(broker, wait=10)


def test_a_queue_that_was_declared_otherwise_is_one_error_that_names_the_argument(opened: Open) -> None:
    broker = opened()
    broker.declare([Queue(QUEUE)])

    with pytest.raises(ImproperlyConfigured, match=r"queue 'celery' .* another 'x-max-priority': received the value '9'"):
        broker.declare([Queue(QUEUE, max_priority=9)])

    publish(broker, "a")
    assert fetch_names(broker) == ["a"]


def test_a_stream_is_refused_with_the_reason(opened: Open) -> None:
    with pytest.raises(ImproperlyConfigured, match="a stream keeps what was read"):
        opened().declare([Queue("s", queue_arguments={"x-queue-type": "stream"})])


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda url: url.replace("guest:guest", "guest:wrong"), ImproperlyConfigured, "refused"),
        (lambda url: url.rpartition("/")[0] + "/nowhere", ImproperlyConfigured, "virtual host"),
        (lambda url: "amqp://127.0.0.1:1//", OperationalError, "cannot be reached"),
    ],
)
def test_a_wrong_url_is_told_from_a_server_that_is_away(url: str, change: Callable[[str], str], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        open_broker(change(url), owner="w1").connect()


@pytest.mark.parametrize("login", ["PLAIN", "EXTERNAL"])
def test_tls_is_spoken_and_certificates_are_checked_and_can_be_a_login(url: str, rabbitmq: RabbitServer, login: str) -> None:  # noqa: F811
    if not (rabbitmq.folder / "guest.pem").exists():
        pytest.skip("openssl is not installed")
    secure = url.replace("amqp://guest:guest@" if login == "EXTERNAL" else "amqp://", "amqps://").replace(str(rabbitmq.port), str(rabbitmq.tls_port))
    ca, *mine = (str(rabbitmq.folder / f"{name}.pem") for name in ("ca", "guest", "guest-key"))
    files = {"ca_certs": ca, **(dict(zip(("certfile", "keyfile"), mine)) if login == "EXTERNAL" else {})}
    broker = open_broker(secure, owner="w1", options={"ssl": files, "login_method": login})
    broker.connect()
    publish(broker, *(f"m{n}" for n in range(500)))
    done: list[str] = []
    deadline = time.monotonic() + 20
    while len(done) < 500 and time.monotonic() < deadline:
        found = fetch(broker, limit=20, wait=5)
        broker.settle(ack(*found))
        done += names(found)
    broker.close()
    with pytest.raises(OperationalError, match="certificate"):
        open_broker(secure, owner="w1").connect()

    assert done == [f"m{n}" for n in range(500)]


def test_a_quorum_queue_serves_like_a_classic_one_and_counts_deliveries(opened: Open) -> None:
    broker = opened()
    broker.declare([Queue(QUEUE, Exchange(QUEUE), QUEUE, queue_arguments={"x-queue-type": "quorum"})])
    publish(broker, "a", "b")

    found: list[Any] = []
    while len(found) < 2:
        found += fetch(broker, limit=2, wait=10)
    a, b = found
    broker.settle([*ack(b), verdict(Verdict.REQUEUE, a)])
    broker._tries._known.clear()
    (second,) = fetch(broker, wait=10)

    assert (names([second]), second.deliveries) == (["a"], 2)
    broker.settle([verdict(Verdict.REJECT, second, reason="enough")])
    assert [letter.reason for letter in broker.dead()] == ["enough"]


def test_a_reject_goes_to_the_dead_letter_exchange_that_a_queue_has_itself(opened: Open) -> None:
    broker = opened()
    mine = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "graveyard"}
    broker.declare([Queue("graveyard"), Queue(QUEUE, queue_arguments=mine)])
    publish(broker, "a")

    broker.settle([verdict(Verdict.REJECT, fetch(broker)[0], reason="x")])

    assert (names(fetch(broker, "graveyard", wait=10)), list(broker.dead())) == (["a"], [])


def test_a_message_for_an_exchange_waits_for_its_time_whatever_the_type_of_the_exchange(opened: Open) -> None:
    broker = opened()
    exchanges = [Exchange("d", "direct"), Exchange("f", "fanout"), Exchange("t", "topic")]
    broker.declare([Queue("q", bindings=tuple(Binding(exchange, "k.x") for exchange in exchanges))])
    due = time.time() + 1.2

    broker.publish([message(e.name, due=due).replace(exchange=e.name, routing_key="k.x") for e in exchanges])

    assert fetch(broker, "q", wait=0.5) == []
    found: list[Any] = []
    while len(found) < 3 and time.time() < due + 5:
        found += fetch(broker, "q", wait=1)
    assert due <= time.time() < due + 1
    assert sorted((d.exchange, d.routing_key, "x-death" in d.envelope.headers) for d in found) == [(n, "k.x", False) for n in "dft"]


def test_celerys_delayed_delivery_is_used_where_it_can_be(opened: Open) -> None:
    broker = opened()
    exchange = Exchange("media", "topic")
    broker.declare([Queue("images", exchange, "image.crop", queue_arguments={"x-queue-type": "quorum"})])
    due = time.time() + 1.5

    broker.publish([message("late", due=due).replace(exchange="media", routing_key="image.crop")])
    level = broker._sending.get().admin.count("celery_delayed_0")
    (late,) = again(lambda: fetch(broker, "images", wait=1))

    assert (level, late.exchange, late.routing_key) == (1, "media", "image.crop")
    assert time.time() >= due


def test_what_nobody_fetches_is_given_to_others(opened: Open) -> None:
    hoarder, other = opened("w1"), opened("w2")
    publish(hoarder, *(f"m{n}" for n in range(10)))

    first = fetch_names(hoarder, limit=5, wait=10)
    assert first == [f"m{n}" for n in range(5)]
    rest = again(lambda: fetch_names(other, limit=5, wait=1))

    assert rest == [f"m{n}" for n in range(5, 10)]


def test_messages_to_a_queue_that_vanished_are_not_lost(opened: Open) -> None:
    client, worker = opened(""), opened()
    publish(client, "a")
    client._sending.get().admin.call("queue.delete", 0, QUEUE, False, False, False)

    client.publish([message("b"), message("c"), message("d", queue="other")])

    assert (fetch_names(worker, wait=10), fetch_names(worker, "other", wait=10)) == (["b", "c"], ["d"])


def test_headers_of_every_kind_survive(opened: Open) -> None:
    broker = opened()
    headers = {"id": "a", "int": 2**40, "huge": -(2**63), "minus": -1, "float": 1.5, "yes": True, "no": False, "none": None,
               "list": [1, "zwei", [3.5, None], {"vier": 4}], "dict": {"ü": {"deep": []}}, "surrogate": "a\udc80b", "long": "x" * 5000}  # fmt: skip
    properties = {"correlation_id": "c", "reply_to": "r", "expiration": "60000", "message_id": "m", "type": "t", "app_id": "app", "delivery_mode": 1}
    sent = Outgoing(message("a").envelope.replace(headers=headers, body=b"", properties=properties), QUEUE, priority=3)
    broker.publish([sent])

    (found,) = fetch(broker, wait=10)

    assert found.envelope == sent.envelope.replace(properties={**properties, "priority": 3})


# results by message


@pytest.fixture
def rpc(url: str) -> Iterator[Open]:
    backends = []

    def make(reply_to: str = "client-1") -> Any:
        backend = open_backend("rpc://", options={"broker_url": url, "reply_to": reply_to})
        assert backend is not None
        backend.connect()
        backends.append(backend)
        return backend

    yield make
    for backend in backends:
        backend.close()


def answer(task_id: str, state: str = "SUCCESS", reply_to: str | None = "client-1") -> Any:
    return record(task_id, state, b'{"status": "%s", "result": 1}' % state.encode()).replace(reply_to=reply_to)


def test_a_result_reaches_the_client_that_asked(rpc: Open) -> None:
    client, other, worker = rpc("client-1"), rpc("client-2"), rpc("")

    worker.store([answer("t1"), answer("t2", reply_to="client-2"), answer("t3", reply_to=None), answer("t4", reply_to="nobody")])

    assert set(client.load(["t1", "t2", "t3", "t4"])) == {"t1"}
    assert set(other.load(["t1", "t2"])) == {"t2"}


def test_the_newest_state_counts_and_a_success_stays(rpc: Open) -> None:
    client, worker = rpc(), rpc("")
    worker.store([answer("t1", "STARTED"), answer("t1", "PROGRESS")])
    assert client.load(["t1"])["t1"].state == "PROGRESS"

    worker.store([answer("t1"), answer("t1", "RETRY")])

    assert client.load(["t1"])["t1"].state == "SUCCESS"
    client.forget(["t1"])
    assert client.load(["t1"]) == {}


def test_a_watch_is_woken_by_a_result_and_by_its_end(rpc: Open) -> None:
    client, worker = rpc(), rpc("")
    watch = client.watch(["t1", "t2"])
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend([dict(watch.next(20)), dict(watch.next(20))]))
    thread.start()
    time.sleep(0.1)

    worker.store([answer("other"), answer("t1", "STARTED"), answer("t1")])
    deadline = time.monotonic() + 5
    while not found and time.monotonic() < deadline:
        if "t1" in client.load(["t1"]) and not watch._pending - {"t2"}:
            break
    watch.close()
    thread.join(5)

    assert [list(each) for each in found] == [["t1"], []]


def test_results_that_were_sent_while_the_connection_was_cut_are_there(rpc: Open) -> None:
    client, worker = rpc(), rpc("")
    watch = client.watch(["t1"])
    assert watch.next(0.1) == {}
    client._mailbox._current[0]._socket.shutdown(2)

    worker.store([answer("t1")])

    assert list(again(lambda: watch.next(1))) == ["t1"]
    watch.close()


def test_what_arrives_after_a_fetch_is_given_to_others_though_nobody_reads_it(opened: Open) -> None:
    busy, other, client = opened("w1"), opened("w2"), opened("")
    publish(client, "long")
    (long,) = fetch(busy, limit=1, wait=10)
    busy.settle(ack(long))
    publish(client, "short")

    assert again(lambda: fetch_names(other, limit=1, wait=1), timeout=5) == ["short"]
