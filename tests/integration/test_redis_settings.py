"""The settings and transport options for Redis that Celery's users know: each does what its documentation says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac.drivers.registry import open_backend, open_broker
from celeriac.model.errors import ImproperlyConfigured, OperationalError
from celeriac.testing.conformance.making import fetch_names, message, publish, record
from tests.harness.proxy import Proxy
from tests.harness.redis_server import RedisServer, free_port, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")
credentials = pytest.importorskip("redis.credentials")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis")), "--user", "shop", "on", ">secret", "~*", "&*", "+@all") as server:
        yield server


@pytest.fixture
def raw(server: RedisServer) -> Any:
    return redis.Redis(port=server.port)


@pytest.fixture
def app() -> Iterator[celeriac.Celeriac]:
    with celeriac.Celeriac("settings", broker="memory://", set_as_current=False) as app:
        yield app


class FromTheVault(credentials.UsernamePasswordCredentialProvider):  # type: ignore[misc, name-defined]
    asked = 0

    def __init__(self) -> None:
        super().__init__("shop", "secret")

    def get_credentials(self) -> Any:
        FromTheVault.asked += 1
        return super().get_credentials()


def stored(app: celeriac.Celeriac) -> Any:
    """Store a result by the application's settings; return its store."""
    backend: Any = app.result_backend
    backend.store([record("a")])
    return backend


@pytest.mark.parametrize("url", ["redis", "redis://"])
def test_what_the_url_does_not_name_the_settings_do(app: celeriac.Celeriac, server: RedisServer, url: str) -> None:
    app.conf.update(result_backend=url, redis_host="127.0.0.1", redis_port=server.port, redis_db=7, redis_username="shop", redis_password="secret")
    stored(app)

    assert redis.Redis(port=server.port, db=7).exists("celery-task-meta-a")
    assert b"shop" in {client["user"].encode() for client in redis.Redis(port=server.port).client_list()}


def test_what_the_url_names_counts(app: celeriac.Celeriac, server: RedisServer) -> None:
    app.conf.update(result_backend=f"redis://127.0.0.1:{server.port}/6", redis_host="nowhere.invalid", redis_port=1, redis_db=5)
    stored(app)

    assert redis.Redis(port=server.port, db=6).exists("celery-task-meta-a")


@pytest.mark.parametrize("named", [FromTheVault, FromTheVault(), f"{__name__}:FromTheVault"], ids=["class", "instance", "path"])
def test_credentials_come_from_their_provider(app: celeriac.Celeriac, server: RedisServer, named: Any) -> None:
    FromTheVault.asked = 0
    app.conf.update(result_backend=f"redis://127.0.0.1:{server.port}/4", redis_backend_credential_provider=named)
    stored(app)

    assert FromTheVault.asked > 0


@pytest.mark.parametrize(
    ("named", "said"), [("nowhere:Provider", "nowhere"), ("socket:socket", "no get_credentials"), ("json:Nothing", "credential provider")]
)
def test_a_credential_provider_that_is_none_is_named(app: celeriac.Celeriac, server: RedisServer, named: str, said: str) -> None:
    app.conf.update(result_backend=f"redis://127.0.0.1:{server.port}/4", redis_backend_credential_provider=named)

    with pytest.raises(ImproperlyConfigured, match=said):
        stored(app)


def opened(server: RedisServer, owner: str = "", **options: Any) -> Any:
    broker = open_broker(f"redis://127.0.0.1:{options.pop('port', server.port)}/0", options=options, owner=owner)
    broker.connect()
    return broker


@pytest.mark.parametrize(("limit", "most"), [({}, 2), ({"max_connections": 5}, 5), ({"max_connections": 1}, 2), ({"max_connections": None}, 12)])
def test_no_more_connections_are_opened_than_may_be(server: RedisServer, limit: dict[str, Any], most: int) -> None:
    proxy = Proxy(server.port)
    proxy.delay(0.05)
    broker = opened(server, port=proxy.port, **limit)
    threads = [threading.Thread(target=publish, args=(broker, str(number))) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert 2 <= proxy.accepted <= most
    broker.close()
    proxy.close()


def test_the_pool_limit_of_the_settings_counts(app: celeriac.Celeriac, server: RedisServer) -> None:
    app.conf.update(broker_url=f"redis://127.0.0.1:{server.port}/3", broker_pool_limit=7)

    assert app.open_broker().server.connections == 7  # type: ignore[attr-defined]


def test_a_connection_that_was_idle_is_checked_before_it_is_used(server: RedisServer) -> None:
    """Behind a firewall that has forgotten it: nothing has come, not even its end, and what is sent is never answered."""
    proxy = Proxy(server.port)
    broker = opened(server, port=proxy.port, health_check_interval=1, socket_timeout=0.3)
    time.sleep(1.1)  # the time that a connection may be idle is what is tested
    proxy.stall()
    flowing = threading.Timer(0.4, proxy.flow)
    flowing.start()

    publish(broker, "a")
    flowing.join()

    assert proxy.accepted == 2
    broker.close()
    proxy.close()


def test_a_store_that_did_not_answer_in_time_is_asked_again_if_that_is_wanted(server: RedisServer) -> None:
    proxy = Proxy(server.port)
    url = f"redis://127.0.0.1:{proxy.port}/2"
    patient = open_backend(url, options={"retry_on_timeout": True, "socket_timeout": 0.5, "client_name": "patient"})
    other = open_backend(url, options={"socket_timeout": 0.5})
    assert patient is not None
    assert other is not None
    for backend in (patient, other):
        backend.connect()
        backend.store([record("a")])
    for backend in (other, patient):
        proxy.stall()
        flowing = threading.Timer(0.6, proxy.flow)
        flowing.start()
        if backend is patient:
            assert list(backend.load(["a"])) == ["a"]
        else:
            with pytest.raises(OperationalError):
                backend.load(["a"])
        flowing.join()
        backend.close()
    proxy.close()


@pytest.mark.parametrize(("wanted", "found"), [(True, 1), (False, 0)])
def test_the_system_watches_idle_connections_unless_told_not_to(server: RedisServer, wanted: bool, found: int) -> None:
    named = {socket.TCP_KEEPIDLE: 33} if wanted else None
    broker = opened(server, socket_keepalive=wanted, socket_keepalive_options=named, client_name=f"keep{found}")
    link = broker.server._borrow()

    assert link._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == found
    assert not wanted or link._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 33
    broker.server._give_back(link)
    broker.close()


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("round_robin", ["a1", "b1", "a2", "b2"]), ("priority", ["b1", "b2", "a1", "a2"]), ("sorted", ["a1", "a2", "b1", "b2"])],
)
def test_queues_are_taken_from_in_the_order_that_is_wanted(server: RedisServer, raw: Any, strategy: str, expected: list[str]) -> None:
    raw.flushdb()
    broker = opened(server, "w1", queue_order_strategy=strategy)
    for name in ("a1", "a2", "b1", "b2"):
        publish(broker, name, queue=name[0])
    found = [name for _ in range(4) for name in fetch_names(broker, "b", "a", limit=1)]

    assert found == expected
    broker.close()


def test_an_order_that_is_none_is_refused(server: RedisServer) -> None:
    with pytest.raises(ImproperlyConfigured, match="round_robin, priority, sorted"):
        opened(server, queue_order_strategy="random")


@pytest.mark.parametrize(
    ("options", "channel"),
    [({}, "/0.news/a"), ({"fanout_prefix": False}, "news/a"), ({"fanout_prefix": "/all."}, "/all.news/a"), ({"fanout_patterns": False}, "/0.news")],
)
def test_broadcasts_use_the_channels_of_the_other_side(server: RedisServer, raw: Any, options: dict[str, Any], channel: str) -> None:
    broker = opened(server, **options)
    listener = raw.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(channel)
    heard: Callable[[], Any] = lambda: listener.get_message(timeout=0.1)  # noqa: E731
    heard()
    own = broker.listen("news", ["a"])
    publish_to(broker, "news", "a")

    assert eventually(heard, "it is heard")["channel"] == channel.encode()
    assert [routing_key for routing_key, _ in own.receive(5)] in (["a"], ["celery"])
    own.close()
    broker.close()


def publish_to(broker: Any, exchange: str, routing_key: str) -> None:
    broker.broadcast([message("x").replace(exchange=exchange, routing_key=routing_key)])


def test_a_retry_policy_says_for_how_long_a_result_is_waited_for_without_the_server(app: celeriac.Celeriac) -> None:
    app.conf.update(result_backend=f"redis://127.0.0.1:{free_port()}/0", result_backend_transport_options={"retry_policy": {"timeout": 0.3}})

    began = time.monotonic()
    with pytest.raises(OperationalError, match="cannot be reached"):
        app.AsyncResult("a").get(timeout=20)
    assert time.monotonic() - began < 10
