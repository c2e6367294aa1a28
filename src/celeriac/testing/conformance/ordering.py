"""What brokers must do that route, delay and order by priority."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from celeriac.contracts.broker import Delays, Prioritizes
from celeriac.lib.clock import Clock
from celeriac.model.envelope import Outgoing, Verdict
from celeriac.model.errors import QueueNotFound
from celeriac.model.topology import Binding, Exchange, Queue
from celeriac.testing.conformance.making import QUEUE, Fixtures, MakeBroker, fetch, fetch_names, message, names, publish, verdict


class RoutingSuite(Fixtures):
    """Exchanges and bindings, for brokers that keep them themselves."""

    @pytest.fixture
    def exchange_message(self) -> Callable[[str, str], Outgoing]:
        """Return what makes a message for an exchange."""
        return lambda exchange, key: message(key).replace(exchange=exchange, routing_key=key)

    def test_a_direct_exchange_goes_by_the_routing_key(self, broker: Any, exchange_message: Callable[[str, str], Outgoing]) -> None:
        exchange = Exchange("work", "direct")
        broker.declare([Queue("q1", exchange, "one"), Queue("q2", exchange, "two")])

        broker.publish([exchange_message("work", "two")])

        assert (fetch_names(broker, "q1"), fetch_names(broker, "q2")) == ([], ["two"])

    def test_a_topic_exchange_goes_by_patterns(self, broker: Any, exchange_message: Callable[[str, str], Outgoing]) -> None:
        exchange = Exchange("media", "topic")
        broker.declare([Queue("images", exchange, "image.*"), Queue("all", exchange, "#")])

        broker.publish([exchange_message("media", "image.crop"), exchange_message("media", "video.cut")])

        assert fetch_names(broker, "images") == ["image.crop"]
        assert fetch_names(broker, "all") == ["image.crop", "video.cut"]

    def test_a_fanout_exchange_reaches_every_queue(self, broker: Any, exchange_message: Callable[[str, str], Outgoing]) -> None:
        exchange = Exchange("news", "fanout")
        broker.declare([Queue("q1", exchange), Queue("q2", bindings=(Binding(exchange),))])

        broker.publish([exchange_message("news", "x")])

        (first,), (second,) = fetch(broker, "q1"), fetch(broker, "q2")
        assert (first.exchange, first.routing_key, second.queue) == ("news", "x", "q2")

    def test_what_one_client_declares_another_knows(self, make_broker: MakeBroker, exchange_message: Callable[[str, str], Outgoing]) -> None:
        first, second = make_broker("w1"), make_broker("")
        first.declare([Queue("q1", Exchange("work"), "one")])
        second.publish([exchange_message("work", "one")])
        first.declare([Queue("q2", Exchange("work"), "one")])

        second.publish([exchange_message("work", "one")])

        assert len(fetch(first, "q1")) == 2
        assert len(fetch(first, "q2")) == 1

    def test_a_message_that_no_queue_would_get_is_refused_with_all_that_were_sent_with_it(self, broker: Any) -> None:
        broker.declare([Queue("q1", Exchange("work"), "one")])

        with pytest.raises(QueueNotFound, match="nine"):
            broker.publish([message("a"), message("b").replace(exchange="work", routing_key="nine")])

        assert broker.depth(QUEUE) == 0


class DelaysSuite(Fixtures):
    """``Delays``."""

    def test_a_message_is_not_handed_out_before_it_is_due(self, broker: Any, clock: Clock, advance: Callable[[float], None]) -> None:
        assert Delays in type(broker).__mro__
        publish(broker, "late", due=clock.now() + 1.0)
        publish(broker, "now")

        assert fetch_names(broker) == ["now"]
        advance(1.1)
        assert fetch_names(broker) == ["late"]

    def test_what_is_due_already_comes_at_once(self, broker: Any, clock: Clock) -> None:
        publish(broker, "a", due=clock.now() - 5)

        assert fetch_names(broker) == ["a"]

    def test_next_due_is_that_of_the_queues_asked_for(self, broker: Any, clock: Clock) -> None:
        due = clock.now() + 50
        publish(broker, "b", due=due + 10)
        publish(broker, "a", due=due)
        publish(broker, "c", due=due - 10, queue="other")

        assert broker.next_due([QUEUE]) == pytest.approx(due, abs=0.001)
        assert broker.next_due(["nothing"]) is None

    def test_a_postponed_message_comes_back_when_due(self, broker: Any, clock: Clock, advance: Callable[[float], None]) -> None:
        publish(broker, "a")
        (a,) = fetch(broker)

        broker.settle([verdict(Verdict.POSTPONE, a, until=clock.now() + 1.0, untouched=True)])

        assert (fetch_names(broker), broker.depth(QUEUE)) == ([], 1)
        advance(1.1)
        (again,) = fetch(broker)
        assert (again.redelivered, again.deliveries) == (False, 1)

    def test_delayed_messages_are_counted_and_purged(self, broker: Any, clock: Clock) -> None:
        publish(broker, "a", due=clock.now() + 100)

        assert (broker.depth(QUEUE), broker.purge(QUEUE), broker.depth(QUEUE)) == (1, 1, 0)

    def test_a_fetch_that_waits_gets_what_falls_due(self, broker: Any, clock: Clock, advance: Callable[[float], None]) -> None:
        publish(broker, "a", due=clock.now() + 0.3)
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(fetch_names(broker, wait=20)))
        thread.start()

        advance(0.4)
        thread.join(10)

        assert found == ["a"]


class PrioritizesSuite(Fixtures):
    """``Prioritizes``."""

    def test_higher_priorities_come_first_and_within_one_the_older(self, broker: Any) -> None:
        assert Prioritizes in type(broker).__mro__
        low, high = broker.priorities
        publish(broker, "low1", priority=low)
        publish(broker, "high1", priority=high)
        publish(broker, "low2", priority=low)
        publish(broker, "high2", priority=high)

        found = fetch(broker)

        assert names(found) == ["high1", "high2", "low1", "low2"]
        assert [d.priority for d in found] == [high, high, low, low]

    def test_priorities_outside_the_span_are_drawn_into_it(self, broker: Any) -> None:
        low, high = broker.priorities
        # Where lower numbers come first (Celery's Redis) the span runs downwards.
        beyond = 5 if high > low else -5
        publish(broker, "a", priority=low - beyond)
        publish(broker, "b", priority=high + beyond)

        assert [d.priority for d in fetch(broker)] == [high, low]

    def test_a_requeued_message_keeps_its_priority(self, broker: Any) -> None:
        low, high = broker.priorities
        publish(broker, "a", priority=low)
        publish(broker, "b", priority=high)
        (b,) = fetch(broker, limit=1)

        broker.settle([verdict(Verdict.REQUEUE, b)])

        assert fetch_names(broker) == ["b", "a"]
