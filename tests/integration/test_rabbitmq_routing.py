"""Where a client's calls go on RabbitMQ when nobody has declared anything there, and what it says when that is not what the server has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from celeriac import Binding, Celeriac, Exchange, Queue
from celeriac.drivers.registry import open_broker
from celeriac.exceptions import ImproperlyConfigured, QueueNotFound
from tests.harness.rabbitmq import RabbitServer, rabbitmq

__all__ = ["rabbitmq"]

Client = Callable[..., Any]
QUORUM = {"task_default_queue_type": "quorum", "task_create_missing_queue_type": "quorum"}


@pytest.fixture
def url(rabbitmq: RabbitServer) -> str:
    return rabbitmq.vhost()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    made = []

    def make(**conf: Any) -> Any:
        app = Celeriac("client", broker=url, backend="disabled://", set_as_current=False)
        app.conf.update(conf)
        made.append(app)
        return app

    yield make
    for app in made:
        app.close()


@pytest.mark.parametrize("kind", ["direct", "topic", "fanout"])
@pytest.mark.parametrize("types", [{}, QUORUM], ids=["classic", "quorum"])
@pytest.mark.parametrize("countdown", [None, 30])
def test_a_queue_that_nobody_has_declared_is_made_by_the_first_call(
    client: Client, url: str, kind: str, types: dict[str, str], countdown: float | None
) -> None:
    app = client(task_default_exchange_type=kind, task_create_missing_queue_exchange_type=kind, **types)

    app.send_task("any", queue="new", countdown=countdown)

    broker = open_broker(url)
    waiting = [f"{name}delayed{sign}{level}" for name, sign in (("celery_", "_"), ("new.", ".")) for level in (3, 4)]
    found = {name: counts[0] for name in ("new", *waiting) if (counts := broker.measure(name)) is not None and counts[0]}
    broker.close()
    assert len(found) == 1
    assert ("new" in found) == (countdown is None)


def test_bindings_of_the_settings_are_made_by_the_first_call(client: Client, url: str) -> None:
    media, sizes = Exchange("media", "topic"), Exchange("sizes", "headers")
    app = client(task_queues=[
        Queue("images", media, "image.#"), Queue("archive", bindings=(Binding(media, "#"),)),
        Queue("big", sizes, binding_arguments={"x-match": "all", "size": "big"}),
    ])  # fmt: skip

    app.send_task("any", exchange="media", routing_key="image.png")
    app.send_task("any", exchange="sizes", headers={"size": "big"})
    with pytest.raises(QueueNotFound, match="'sizes'"):
        app.send_task("any", exchange="sizes", headers={"size": "small"})

    broker = open_broker(url)
    assert [1, 1, 1] == [broker.depth(name) for name in ("images", "archive", "big")]
    broker.close()


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        ({}, {"max_priority": 9}, "x-max-priority"),
        ({}, {"queue_arguments": {"x-queue-type": "quorum"}}, "x-queue-type"),
        ({"message_ttl": 5.0}, {"message_ttl": 6.0}, "x-message-ttl"),
        ({}, {"durable": False}, "durable"),
        ({}, {"queue_arguments": {"x-dead-letter-exchange": "grave"}}, "x-dead-letter-exchange"),
    ],
)
def test_a_queue_that_the_server_has_otherwise_is_an_error_that_names_the_argument(
    url: str, was: dict[str, Any], now: dict[str, Any], named: str
) -> None:
    broker = open_broker(url)
    broker.declare([Queue("q", **was)])

    with pytest.raises(ImproperlyConfigured, match=rf"The queue 'q' .* another '{named}': received "):
        broker.declare([Queue("q", **now)])
    broker.close()


def test_an_exchange_that_the_server_has_otherwise_is_one_too(url: str) -> None:
    broker, other = open_broker(url), open_broker(url)
    broker.declare([Queue("q", Exchange("news", "fanout"))])

    with pytest.raises(ImproperlyConfigured, match=r"The exchange 'news' .* another 'type': received 'topic' but current is 'fanout'"):
        other.declare([Queue("r", Exchange("news", "topic"))])
    broker.close()
    other.close()


def test_a_stream_is_refused_with_the_reason(client: Client) -> None:
    app = client(task_queues=[Queue("log", Exchange("log", "topic"), queue_arguments={"x-queue-type": "stream"})])

    with pytest.raises(ImproperlyConfigured, match="a stream keeps what was read"):
        app.send_task("any", queue="log")
