from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker.queue_order import Fair, Strict, Weighted, queue_order


class Queues:
    """A broker of which only ``fetch`` is there."""

    def __init__(self, **depths: int) -> None:
        self.left = dict(depths)
        self.asked: list[tuple[tuple[str, ...], int, float]] = []

    def fetch(self, queues: Any, *, limit: int, wait: float) -> list[str]:
        self.asked.append((tuple(queues), limit, wait))
        found: list[str] = []
        for name in queues:
            count = min(self.left.get(name, 0), limit - len(found))
            self.left[name] = self.left.get(name, 0) - count
            found += [name] * count
        return found


def test_fair_leaves_it_to_the_broker() -> None:
    broker = Queues(a=5, b=5)

    Fair().fetch(broker, ["a", "b"], 4, 1.0)  # type: ignore[arg-type]

    assert [(("a", "b"), 4, 1.0)] == broker.asked


def test_strict_takes_from_a_queue_only_what_those_before_it_leave() -> None:
    broker = Queues(low=10, high=3)

    assert ["high"] * 3 + ["low"] == Strict().fetch(broker, ["high", "low"], 4, 1.0)  # type: ignore[arg-type,comparison-overlap]


def test_strict_may_go_by_name() -> None:
    broker = Queues(b=2, a=2)

    assert ["a", "a", "b"] == Strict(by_name=True).fetch(broker, ["b", "a"], 3, 1.0)  # type: ignore[arg-type,comparison-overlap]


def test_it_waits_for_all_queues_only_when_all_are_empty() -> None:
    broker = Queues()

    Strict().fetch(broker, ["high", "low"], 4, 1.0)  # type: ignore[arg-type]

    assert [(("high",), 4, 0.0), (("low",), 4, 0.0), (("high", "low"), 4, 0.0), (("high", "low"), 4, 1.0)] == broker.asked


@pytest.mark.parametrize("limit", [1, 2, 7, 64])
def test_weights_are_kept_while_all_queues_have_something(limit: int) -> None:
    broker, order = Queues(a=10_000, b=10_000, c=10_000), Weighted({"a": 3, "b": 1.5})

    taken = Counter(name for _ in range(5500 // limit) for name in order.fetch(broker, ["a", "b", "c"], limit, 1.0))  # type: ignore[arg-type]

    assert taken["a"] / taken["c"] == pytest.approx(3, abs=0.1)
    assert taken["b"] / taken["c"] == pytest.approx(1.5, abs=0.1)


def test_nobody_waits_for_the_share_of_an_empty_queue() -> None:
    broker, order = Queues(b=10), Weighted({"a": 100, "b": 1})

    assert ["b"] * 8 == order.fetch(broker, ["a", "b"], 8, 1.0)  # type: ignore[arg-type,comparison-overlap]
    assert ["b"] == order.fetch(broker, ["a", "b"], 1, 1.0)  # type: ignore[arg-type,comparison-overlap]


@pytest.mark.parametrize(
    ("conf", "scheme", "kind"),
    [
        ({}, "redis", Fair),
        ({"worker_queue_strategy": "strict"}, "", Strict),
        ({"worker_queue_strategy": {"a": 2}}, "amqp", Weighted),
        ({"broker_transport_options": {"queue_order_strategy": "priority"}}, "redis", Strict),
        ({"broker_transport_options": {"queue_order_strategy": "sorted"}}, "sentinel", Strict),
        ({"broker_transport_options": {"queue_order_strategy": "round_robin"}}, "redis", Fair),
        ({"broker_transport_options": {"queue_order_strategy": "priority"}}, "amqp", Fair),
        ({"worker_queue_strategy": "fair", "broker_transport_options": {"queue_order_strategy": "priority"}}, "redis", Fair),
    ],
)
def test_settings_choose_the_order(conf: dict[str, Any], scheme: str, kind: type) -> None:
    assert kind is type(queue_order({"worker_queue_strategy": None, "broker_transport_options": {}, **conf}, scheme))


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"worker_queue_strategy": "random"}, "worker_queue_strategy may be 'fair', 'strict', or weights"),
        ({"worker_queue_strategy": {"a": 0}}, "weights above 0"),
        ({"broker_transport_options": {"queue_order_strategy": "dict"}}, "round_robin, sorted, priority, not 'dict'"),
    ],
)
def test_what_makes_no_sense_is_named(conf: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        queue_order({"worker_queue_strategy": None, "broker_transport_options": {}, **conf}, "redis")
