"""Settings with objects of the real kombu, as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from kombu import Exchange, Queue, binding
from kombu.common import Broadcast

from celeriac import Celeriac
from celeriac.app.state import app_or_default

MEDIA = Exchange("media", type="topic")


@pytest.fixture(params=["memory", "sqlite"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Celeriac:
    url = f"memory://{tmp_path.name}" if request.param == "memory" else f"sqlite:///{tmp_path / 'broker.sqlite3'}"
    app = Celeriac("kombus", broker=url, set_as_current=False)
    app.conf.task_queues = (
        Queue("default", Exchange("default"), routing_key="default"),
        Queue("pictures", [binding(MEDIA, routing_key="media.picture.#"), binding(MEDIA, routing_key="media.image")]),
        Queue("urgent", queue_arguments={"x-max-priority": 10}),
        Broadcast("everybody"),
    )
    app.conf.task_default_queue = "default"
    app.conf.task_default_exchange = "default"
    app.conf.task_default_routing_key = "default"
    app.conf.task_routes = {"pictures.*": {"exchange": MEDIA, "routing_key": "media.picture.small"}, "urgent": {"queue": Queue("urgent")}}
    return app


def waiting(app: Celeriac, queue: str) -> list[str]:
    return [each.envelope.headers["task"] for each in app.broker.fetch([queue], limit=9, wait=0.2)]


def test_calls_go_where_kombus_queues_and_exchanges_say(app: Celeriac) -> None:
    for name in ("plain", "pictures.shrink", "urgent"):
        app.send_task(name)

    assert (["plain"], ["pictures.shrink"], ["urgent"]) == tuple(waiting(app, queue) for queue in ("default", "pictures", "urgent"))


def test_a_call_takes_kombus_objects_as_options(app: Celeriac) -> None:
    app.send_task("by.queue", queue=Queue("urgent"))
    app.send_task("by.exchange", exchange=MEDIA, routing_key="media.image")

    assert (["by.queue"], ["by.exchange"]) == (waiting(app, "urgent"), waiting(app, "pictures"))


def test_kombus_broadcast_is_one(app: Celeriac) -> None:
    assert app.queues["everybody"].broadcast


def test_a_missing_application_is_found_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch, app: Celeriac) -> None:
    monkeypatch.setenv("CELERY_TRACE_APP", "1")

    assert app is app_or_default(app)
    with pytest.raises(RuntimeError, match="give the application here explicitly"):
        app_or_default()


def test_queues_without_an_exchange_have_that_of_the_settings() -> None:
    app = Celeriac("kombus", broker="memory://", set_as_current=False)
    app.conf.update(task_default_exchange="tasks", task_default_exchange_type="topic", task_default_routing_key="task.default")
    app.conf.task_queues = [Queue("one", routing_key="task.#"), Queue("two"), Queue("three", Exchange("own"))]

    found = [app.queues[name] for name in ("one", "two", "three")]
    assert [("tasks", "topic", "task.#"), ("tasks", "topic", "task.default"), ("own", "direct", "")] == [
        (queue.exchange.name, queue.exchange.type, queue.routing_key) for queue in found
    ]
