"""The Redis driver when the wire is cut, the server is away, or a worker dies: nothing is lost, nothing doubled, nothing hangs."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac.drivers.registry import open_backend, open_broker, settler_for
from celeriac.model.effects import Writes
from celeriac.model.errors import OperationalError
from celeriac.testing.conformance.making import QUEUE, ack, fetch, fetch_names, message, names, publish, record
from tests.harness.proxy import Proxy
from tests.harness.redis_server import RedisServer, running

redis = pytest.importorskip("redis")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def connected(server: RedisServer) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def connect(owner: str = "w1", *, port: int = server.port, **options: Any) -> Any:
        broker = open_broker(f"redis://127.0.0.1:{port}/0", owner=owner, options={"socket_timeout": 0.5, "socket_connect_timeout": 0.5, **options})
        broker.connect()
        made.append(broker)
        return broker

    yield connect
    for broker in made:
        broker.close()


@pytest.fixture
def client(server: RedisServer) -> Any:
    return redis.Redis(port=server.port)


class InThread:
    """A call whose outcome is waited for."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self.result: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._act()
        except Exception as error:
            self.result = error

    def wait(self, seconds: float = 10) -> Any:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "it hangs"
        return self.result


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)
    return found


def blocked(client: Any) -> int:
    return int(client.info("clients")["blocked_clients"])


def fetch_patiently(broker: Any, count: int) -> list[Any]:
    found: list[Any] = []
    deadline = time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        try:
            found += broker.fetch([QUEUE], limit=100, wait=0.2)
        except OperationalError:
            time.sleep(0.05)
    return found


def test_what_was_taken_when_the_answer_was_lost_is_handed_out_next(connected: Any, server: RedisServer, proxy: Proxy) -> None:
    publish(connected(""), "a", "b")
    broker = connected(port=proxy.port)
    assert broker.fetch(["other"], limit=1, wait=0) == []
    proxy.swallow_answers()
    with pytest.raises(OperationalError):
        fetch(broker)
    proxy.flow()

    found = fetch_patiently(broker, 2)

    assert names(found) == ["a", "b"]
    broker.settle(ack(*found))
    assert (list(broker.held()), fetch(broker)) == ([], [])


def test_a_flush_whose_answer_was_lost_sends_its_follow_ups_once(connected: Any, server: RedisServer, proxy: Proxy) -> None:
    broker = connected(port=proxy.port)
    backend = open_backend(f"redis://127.0.0.1:{proxy.port}/0")
    publish(broker, "a")
    settler = settler_for(broker, backend)
    writes = [Writes(ack(*fetch(broker))[0], (record("a"),), (message("next"),))]

    proxy.swallow_answers()
    with pytest.raises(OperationalError):
        settler.flush(writes, lambda _: [])
    proxy.flow()
    settler.flush(writes, lambda _: [])

    assert names(fetch_patiently(broker, 1)) == ["next"]
    assert fetch(broker) == []


def test_a_waiting_fetch_whose_connection_is_killed_goes_on(connected: Any, client: Any) -> None:
    broker = connected()
    waiting = InThread(lambda: fetch_patiently(broker, 1))
    until(lambda: blocked(client))

    client.client_kill_filter(_type="normal", skipme=True)
    time.sleep(0.1)
    publish(connected(""), "a")

    assert names(waiting.wait()) == ["a"]


def test_what_arrived_when_the_connection_broke_is_not_lost(connected: Any, client: Any, proxy: Proxy) -> None:
    broker = connected(port=proxy.port)
    waiting = InThread(lambda: fetch(broker, wait=5))
    until(lambda: blocked(client))
    proxy.swallow_answers()
    publish(connected(""), "a")
    assert isinstance(waiting.wait(), OperationalError)
    proxy.flow()

    assert names(fetch_patiently(broker, 1)) == ["a"]


def test_what_arrived_for_a_dead_worker_comes_back(connected: Any, client: Any, proxy: Proxy) -> None:
    doomed, living = connected("doomed", port=proxy.port, lease=1.0), connected("living", lease=1.0)
    waiting = InThread(lambda: fetch(doomed, wait=5))
    until(lambda: blocked(client))
    publish(living, "a")
    assert names(waiting.wait()) == ["a"]

    assert until(living.recover) == 1

    (again,) = fetch(living)
    assert (names([again]), again.deliveries) == (["a"], 2)


def test_a_restarted_server_is_found_again_with_everything_on_it(connected: Any, server: RedisServer, client: Any) -> None:
    broker = connected()
    publish(broker, "a", "b")
    (held,) = fetch(broker, limit=1)
    backend = open_backend(f"redis://127.0.0.1:{server.port}/0")
    assert backend is not None
    watch = backend.watch(["a"])
    watched = InThread(lambda: watch.next(20))

    server.stop()
    with pytest.raises(OperationalError):
        publish(broker, "c")
    server.start()

    assert names(fetch_patiently(broker, 1)) == ["b"]
    assert names(broker.held()) == ["a", "b"]
    settler_for(broker, backend).flush([Writes(ack(held)[0], (record("a"),))], lambda _: [])
    assert list(watched.wait()) == ["a"]


def test_a_server_that_does_not_answer_is_an_error_in_time(connected: Any, proxy: Proxy) -> None:
    broker = connected(port=proxy.port)
    proxy.stall()
    began = time.monotonic()

    with pytest.raises(OperationalError):
        publish(broker, "a")

    assert time.monotonic() - began < 2
    assert isinstance(InThread(lambda: fetch(broker, wait=0)).wait(5), OperationalError)


def test_a_result_that_came_while_the_subscription_was_cut_is_found(server: RedisServer, proxy: Proxy) -> None:
    there, here = open_backend(f"redis://127.0.0.1:{server.port}/0"), open_backend(f"redis://127.0.0.1:{proxy.port}/0")
    assert there is not None
    assert here is not None
    watch = here.watch(["a"])
    assert watch.next(0) == {}

    for _ in range(3):
        proxy.cut()
        assert watch.next(0.1) == {}
    proxy.cut()
    there.store([record("a")])

    assert list(watch.next(10)) == ["a"]


@pytest.mark.parametrize("key", ["celery\x06\x163", "celery\x06\x169", "second", "second\x06\x166"])
def test_what_anybody_pushes_to_any_list_wakes_a_waiting_worker(connected: Any, client: Any, key: str) -> None:
    other = connected("")
    publish(other, "a", queue="elsewhere")
    text = client.rpop("elsewhere")
    broker = connected()
    waiting = InThread(lambda: (fetch_names(broker, QUEUE, "second", wait=10), time.monotonic()))
    until(lambda: blocked(client))
    time.sleep(0.05)

    began = time.monotonic()
    client.lpush(key, text)

    found, ended = waiting.wait()
    assert found == ["a"]
    assert ended - began < 0.5


def test_one_that_goes_to_work_leaves_the_watch_to_another(connected: Any, client: Any) -> None:
    other = connected("")
    publish(other, *(f"m{n}" for n in range(6)), queue="elsewhere")
    texts = [client.rpop("elsewhere") for _ in range(6)]
    brokers = [connected(f"w{n}") for n in range(6)]
    waiting = [InThread(lambda b=b: fetch_names(b, limit=1, wait=15)) for b in brokers]
    until(lambda: blocked(client) == 6)
    time.sleep(0.1)

    began = time.monotonic()
    for text in texts:
        client.lpush("celery\x06\x166", text)
        time.sleep(0.05)

    assert sorted(name for one in waiting for name in one.wait()) == [f"m{n}" for n in range(6)]
    assert time.monotonic() - began < 3


def test_two_hundred_threads_wait_over_few_connections(server: RedisServer, client: Any) -> None:
    backend = open_backend(f"redis://127.0.0.1:{server.port}/0")
    assert backend is not None
    backend.connect()
    before = client.info("clients")["connected_clients"]
    watching = [InThread(lambda n=n: list(backend.watch([f"t{n}"]).next(20))) for n in range(200)]
    until(lambda: len(client.pubsub_channels()) == 200)

    backend.store([record(f"t{n}") for n in range(200)])

    assert [one.wait(20) for one in watching] == [[f"t{n}"] for n in range(200)]
    assert client.info("clients")["connected_clients"] - before <= 4
    backend.close()


def test_celerys_own_messages_in_flight_come_back_after_their_timeout(connected: Any, client: Any) -> None:
    broker = connected(visibility_timeout=5)
    publish(broker, "a")
    text = client.rpop(QUEUE)
    client.hset("unacked", "tag", f'[{text.decode()}, "", "{QUEUE}"]')
    client.zadd("unacked_index", {"tag": time.time() - 6})

    assert broker.recover() == 1

    (found,) = fetch(broker)
    assert (names([found]), found.redelivered) == (["a"], True)
    assert (client.exists("unacked"), client.exists("unacked_index")) == (0, 0)


def test_forty_cuts_at_random_moments_lose_and_double_nothing(connected: Any, server: RedisServer, proxy: Proxy) -> None:
    wanted = [f"m{n}" for n in range(1200)]
    chance = random.Random(3)
    producer, broker = connected(""), connected(port=proxy.port)
    backend = open_backend(f"redis://127.0.0.1:{proxy.port}/0")
    settler = settler_for(broker, backend)
    ran: list[str] = []
    deadline = time.monotonic() + 60

    def produce() -> None:
        for at in range(0, len(wanted), 10):
            publish(producer, *wanted[at : at + 10], queue=chance.choice([QUEUE, "second"]), priority=chance.choice([0, 0, 5]))
            time.sleep(0.01)

    def consume() -> None:
        while len(ran) < len(wanted) and time.monotonic() < deadline:
            with contextlib.suppress(OperationalError):
                found = fetch(broker, QUEUE, "second", limit=20, wait=1.0)
                ran.extend(names(found))
                while found:
                    with contextlib.suppress(OperationalError):
                        settler.flush([Writes(one, (record(d.envelope.headers["id"]),)) for one, d in zip(ack(*found), found)], lambda _: [])
                        found = []

    threads = [InThread(produce), InThread(consume)]
    for _ in range(40):
        time.sleep(chance.random() * 0.05)
        proxy.cut()
    for thread in threads:
        assert thread.wait(70) is None

    assert sorted(ran) == sorted(wanted)
    assert (until(lambda: len(backend.load(wanted)) == len(wanted)), list(broker.held())) == (True, [])
