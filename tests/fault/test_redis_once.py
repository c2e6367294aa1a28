"""What nobody knows the outcome of, on Redis: done once, whether the server had done it before, does it later, or never hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac.drivers.redis import outbound
from celeriac.drivers.registry import open_broker
from celeriac.model.errors import OperationalError
from celeriac.testing.conformance.making import QUEUE, ack, fetch, message, names, publish
from tests.harness.proxy import Proxy
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def url(server: RedisServer) -> str:
    return server.new_url()


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def client(url: str) -> Any:
    return redis.Redis.from_url(url)


@pytest.fixture
def connected(url: str, proxy: Proxy) -> Iterator[Callable[..., Any]]:
    """Brokers that reach the server through the proxy, with short patience."""
    made: list[Any] = []

    def connect(owner: str = "w1") -> Any:
        options = {"socket_timeout": 0.4, "socket_connect_timeout": 0.4}
        broker = open_broker(f"redis://127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}", owner=owner, options=options)
        broker.connect()
        made.append(broker)
        return broker

    yield connect
    proxy.flow()
    for broker in made:
        broker.close()


def test_a_message_whose_acceptance_was_not_heard_is_in_the_queue_once(connected: Any, client: Any, proxy: Proxy) -> None:
    broker = connected("")
    publish(broker, "first")
    sent = [message("a")]
    proxy.swallow_answers()
    with pytest.raises(OperationalError):
        broker.publish(sent)
    proxy.flow()
    broker.publish(sent)
    publish(broker, "b")

    assert client.llen(QUEUE) == 3


def test_a_message_that_never_arrived_is_sent_again(connected: Any, client: Any, proxy: Proxy) -> None:
    broker = connected("")
    sent = [message("a")]
    proxy.refuse()
    with pytest.raises(OperationalError):
        broker.publish(sent)
    proxy.flow()
    broker.publish(sent)

    assert client.llen(QUEUE) == 1


def test_what_was_under_way_in_a_black_hole_does_not_arrive_after_its_repetition(connected: Any, client: Any, proxy: Proxy) -> None:
    broker, other = connected(""), connected("other")
    publish(broker, "before")
    sent = [message("a")]
    proxy.stall()
    with pytest.raises(OperationalError):
        broker.publish(sent)
    with pytest.raises(OperationalError):
        other.fetch([QUEUE], limit=10, wait=0)
    proxy.flow()
    broker.publish(sent)
    publish(broker, "b")
    found = fetch(other, limit=10)

    assert sorted(names(found)) == ["a", "b", "before"]
    assert sorted(names(other.held())) == ["a", "b", "before"]


def test_of_many_messages_only_those_that_are_missing_are_sent_again(
    connected: Any, client: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "PORTION", 10)
    broker = connected("")
    sent = [message(str(number)) for number in range(35)]
    answers = 0
    call_many = broker.server.call_many

    def call(*arguments: Any) -> None:
        nonlocal answers
        answers += 1
        if answers == 3:
            proxy.swallow_answers()
        call_many(*arguments)

    monkeypatch.setattr(broker.server, "call_many", call)
    with pytest.raises(OperationalError):
        broker.publish(sent)
    proxy.flow()
    broker.publish(sent)

    assert client.llen(QUEUE) == 35


def test_a_call_is_tried_again_and_runs_once(url: str, proxy: Proxy, client: Any) -> None:
    with celeriac.Celeriac("sender", broker=f"redis://127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}", set_as_current=False) as app:
        app.send_task("first")
        proxy.swallow_answers()
        flowing = threading.Timer(0.1, proxy.flow)
        flowing.start()
        app.send_task("second")
        flowing.join()

    assert client.llen("celery") == 2


def test_an_arrival_that_is_settled_while_the_missed_ones_are_looked_for_is_not_handed_out_again(
    connected: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection breaks right after it came: the list that is read still has it, and when it has been read that is over."""
    broker = connected()
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.extend(broker.fetch([QUEUE], limit=1, wait=5)))
    waiting.start()
    eventually(lambda: client.info("clients")["blocked_clients"], "it waits")
    publish(broker, "a")
    waiting.join(10)
    assert names(found) == ["a"]
    assert list(client.scan_iter("*:taken:*"))
    one = broker.server.one

    def slow(*command: Any) -> Any:
        reply = one(*command)
        if command[0] == "LRANGE":
            broker.settle(ack(*found))
        return reply

    monkeypatch.setattr(broker.server, "one", slow)
    broker._waiting._unsure = QUEUE

    assert fetch(broker) == []
    assert list(broker.held()) == []


def test_what_came_late_is_handed_out_once_whoever_asks(connected: Any) -> None:
    broker = connected()
    publish(broker, *map(str, range(200)))
    late = fetch(broker, limit=200)
    waiting = broker._waiting
    handed: list[Any] = []
    ended = threading.Event()

    def take() -> None:
        while not ended.is_set():
            handed.extend(waiting.late())
            time.sleep(0.0002)

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for one in late:
        waiting._came_late([one])
        time.sleep(0)
    eventually(lambda: len(handed) >= 200, "all are handed out")
    ended.set()
    for thread in threads:
        thread.join()

    assert sorted(names(handed)) == sorted(map(str, range(200)))
