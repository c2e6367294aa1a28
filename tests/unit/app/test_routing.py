from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac import Celeriac, Exchange, Queue
from celeriac.app.routing import PLAIN, Destination
from celeriac.exceptions import QueueNotFound
from celeriac.model.options import SendOptions


def route(name: str = "proj.add", options: SendOptions = PLAIN, **settings: Any) -> Destination:
    app = Celeriac("proj", broker="memory://", set_as_current=False, **settings)
    return app.publisher.router.route(options, name, (), {})


def place(destination: Destination) -> tuple[str, str]:
    return destination.exchange, destination.routing_key


def test_a_task_goes_to_the_default_queue_by_the_default_exchange() -> None:
    assert place(route()) == ("", "celery")


def test_the_default_queue_can_be_another() -> None:
    assert place(route(task_default_queue="mine")) == ("", "mine")


def test_a_missing_queue_is_made() -> None:
    assert place(route(options=SendOptions(queue="new"))) == ("", "new")


def test_a_missing_queue_is_refused_when_the_settings_say_so() -> None:
    with pytest.raises(QueueNotFound, match="'new' is not in task_queues"):
        route(options=SendOptions(queue="new"), task_create_missing_queues=False, task_queues=["a"])


@pytest.mark.parametrize(
    "routes",
    [
        {"proj.add": "feeds"},
        {"proj.add": {"queue": "feeds"}},
        {"proj.*": {"queue": "feeds"}},
        {re.compile(r"proj\.(add|sub)"): {"queue": "feeds"}},
        [("other.*", "x"), ("proj.*", "feeds")],
        [{"other": "x"}, {"proj.add": "feeds"}],
        lambda name, args, kwargs, options, task=None, **more: {"queue": "feeds"},
        [lambda name, args, kwargs, options, task=None, **more: None, {"proj.add": "feeds"}],
        SimpleNamespace(route_for_task=lambda name, args=None, kwargs=None, options=None, task=None: "feeds"),
    ],
    ids=["name", "dict", "glob", "regex", "pairs", "maps", "function", "function first", "object"],
)
def test_every_form_of_route_is_understood(routes: Any) -> None:
    assert place(route(task_routes=routes)) == ("", "feeds")


def test_the_first_route_that_matches_wins_and_exact_names_go_before_patterns() -> None:
    assert place(route(task_routes={"proj.*": "pattern", "proj.add": "exact"})) == ("", "exact")
    assert place(route(task_routes=[("proj.*", "first"), ("*", "second")])) == ("", "first")


def test_the_options_of_the_call_beat_the_route() -> None:
    found = route(options=SendOptions(queue="called", priority=5), task_routes={"*": {"queue": "routed", "priority": 7, "serializer": "yaml"}})

    assert (found.routing_key, found.priority, found.options.serializer) == ("called", 5, "yaml")


def test_a_queue_on_a_topic_exchange_is_reached_by_its_exchange_and_key() -> None:
    queues = [Queue("feeds", Exchange("media", "topic"), "feed.#"), Queue("celery")]
    routed = {"task_queues": queues, "task_routes": {"proj.add": {"queue": "feeds", "routing_key": "feed.import"}}}

    assert place(route(**routed)) == ("media", "feed.import")


def test_an_exchange_of_the_call_is_used_as_it_is() -> None:
    assert place(route(options=SendOptions(exchange="x", routing_key="k"))) == ("x", "k")


def test_the_default_priority_is_that_of_the_settings() -> None:
    assert route(task_default_priority=3).priority == 3


def test_queues_are_understood_as_dicts_names_and_objects_of_kombus_shape() -> None:
    exchange = SimpleNamespace(name="ex", type="topic", durable=True, auto_delete=False, arguments={}, delivery_mode=None)
    foreign = SimpleNamespace(name="k", exchange=exchange, routing_key="k.#", bindings=[], durable=False, max_priority=5)
    app = Celeriac("proj", broker="memory://", set_as_current=False, task_queues=["plain", foreign])

    assert list(app.queues) == ["plain", "k"]
    assert (app.queues["k"].exchange.type, app.queues["k"].routing_key, app.queues["k"].durable) == ("topic", "k.#", False)

    by_name = Celeriac(broker="memory://", set_as_current=False, task_queues={"d": {"exchange": "e", "exchange_type": "fanout", "binding_key": "b"}})

    assert by_name.queues["d"] == Queue("d", Exchange("e", "fanout"), "b")


def test_a_worker_consumes_what_it_is_told_or_all_that_are_declared() -> None:
    app = Celeriac(broker="memory://", set_as_current=False, task_queues=["a", "b", "c"])

    assert [queue.name for queue in app.queues.to_consume()] == ["a", "b", "c"]
    assert [queue.name for queue in app.queues.to_consume(exclude=["b"])] == ["a", "c"]
    assert [queue.name for queue in app.queues.to_consume(["b", "new"])] == ["b", "new"]
    assert [queue.name for queue in Celeriac(broker="memory://", set_as_current=False).queues.to_consume()] == ["celery"]
