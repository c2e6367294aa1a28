"""dramatiq on Redis or RabbitMQ, with results in Redis unless they are to be ignored."""

from __future__ import annotations

import os
import threading
from typing import Any

import dramatiq
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.ticks import from_environment

url, store = os.environ["CELERIAC_BENCH_BROKER"], os.environ["CELERIAC_BENCH_BACKEND"]
ignored = store == "disabled://"
app: dramatiq.Broker
if url.startswith("amqp"):
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    app = RabbitmqBroker(url=url)
else:
    from dramatiq.brokers.redis import RedisBroker

    app = RedisBroker(url=url)
if not ignored:
    app.add_middleware(Results(backend=RedisBackend(url=store)))
dramatiq.set_broker(app)
count_body = from_environment()
# Its threads share one counter.
counting = threading.Lock()


@dramatiq.actor(**({} if ignored else {"store_results": True}))
def tick() -> int:
    with counting:
        count_body()
    return 1


def send() -> Any:
    return tick.send()


def round_trip() -> None:
    tick.send().get_result(block=True, timeout=30_000)


def kept(handle: Any) -> bool:
    return ignored or bool(handle.get_result(block=True, timeout=10_000) == 1)
