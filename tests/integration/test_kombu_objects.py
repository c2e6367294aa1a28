"""Settings with kombu's queues and exchanges, on real servers: a worker declares them and takes what is routed there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Exchange, Queue, binding

from celeriac import Celeriac
from celeriac.testing.worker import start_worker
from tests.harness.rabbitmq import rabbitmq  # noqa: F401 (a fixture)
from tests.harness.redis_server import running

pytest.importorskip("redis")

MEDIA = Exchange("media", type="topic")
QUEUES = (
    Queue("default", Exchange("default"), routing_key="default"),
    Queue("pictures", [binding(MEDIA, routing_key="media.picture.#"), binding(MEDIA, routing_key="media.image")]),
    Queue("videos", MEDIA, routing_key="media.video.*", queue_arguments={"x-max-priority": 10}, durable=True),
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server.new_url()


@pytest.fixture(params=["redis", "rabbitmq"])
def app(request: pytest.FixtureRequest, redis: str) -> Celeriac:
    url = redis if request.param == "redis" else request.getfixturevalue("rabbitmq").vhost()
    app = Celeriac("kombus", broker=url, backend=redis, set_as_current=False)
    app.conf.update(
        task_queues=QUEUES, task_default_queue="default", task_default_exchange="default", task_default_routing_key="default",
        task_routes={"picture": {"exchange": MEDIA, "routing_key": "media.picture.small"}, "video": {"queue": QUEUES[2], "priority": 5}},
    )  # fmt: skip

    def key(self: Any) -> str:
        return str(self.request.delivery_info["routing_key"])

    for name in ("plain", "picture", "video"):
        app.task(key, name=name, bind=True)
    return app


def test_calls_go_where_kombus_objects_say(app: Celeriac) -> None:
    with start_worker(app, perform_ping_check=False):
        results = [app.send_task(name) for name in ("plain", "picture", "video")]
        results.append(app.send_task("plain", exchange=MEDIA, routing_key="media.image"))
        results.append(app.send_task("plain", queue=Queue("videos", MEDIA, routing_key="media.video.*")))

        told = [result.get(timeout=20) for result in results]

    assert [True, True, True] == [key.startswith("media.") or key in ("default", "videos") for key in told[:3]]
    assert "media.picture.small" == told[1]
    assert "media.image" == told[3]
