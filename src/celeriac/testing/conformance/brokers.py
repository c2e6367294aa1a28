"""What every broker must do."""

from __future__ import annotations

import threading
import time
from typing import Any

from celeriac.contracts.broker import Broker
from celeriac.model.envelope import Outgoing, Settlement, Verdict
from celeriac.model.topology import Exchange, Queue
from celeriac.testing.conformance.making import QUEUE, Fixtures, MakeBroker, ack, fetch, fetch_names, message, names, publish, verdict


class BrokerSuite(Fixtures):
    """The seam itself."""

    def test_is_a_broker(self, broker: Any) -> None:
        assert isinstance(broker, Broker)
        assert broker.owner == "w1"

    def test_connect_may_be_called_again(self, broker: Any) -> None:
        publish(broker, "a")

        broker.connect()

        assert fetch_names(broker) == ["a"]

    def test_a_message_arrives_as_it_was_sent(self, broker: Any) -> None:
        sent = message("a")
        broker.publish([sent])

        (delivery,) = fetch(broker)

        assert delivery.envelope == sent.envelope
        assert (delivery.queue, delivery.routing_key, delivery.exchange) == (QUEUE, QUEUE, "")
        assert (delivery.redelivered, delivery.deliveries) == (False, 1)

    def test_a_large_message_arrives_whole(self, broker: Any) -> None:
        envelope = message("a").envelope.replace(body=bytes(range(256)) * 40_000)
        broker.publish([Outgoing(envelope, QUEUE)])

        (delivery,) = fetch(broker)

        assert delivery.envelope == envelope

    def test_messages_come_in_the_order_in_which_they_were_sent(self, broker: Any) -> None:
        publish(broker, "a", "b")
        publish(broker, "c")

        assert fetch_names(broker) == ["a", "b", "c"]

    def test_fetch_takes_no_more_than_the_limit(self, broker: Any) -> None:
        publish(broker, "a", "b", "c")

        assert fetch_names(broker, limit=2) == ["a", "b"]
        assert fetch_names(broker, limit=2) == ["c"]

    def test_a_message_is_handed_out_once(self, make_broker: MakeBroker) -> None:
        first, second = make_broker("w1"), make_broker("w2")
        publish(first, "a")

        assert fetch_names(first) == ["a"]
        assert fetch_names(second) == []

    def test_fetch_of_an_unknown_queue_is_empty(self, broker: Any) -> None:
        assert fetch(broker, "nobody-knows-it") == []

    def test_publishing_nothing_does_nothing(self, broker: Any) -> None:
        broker.publish([])
        broker.settle([])

        assert broker.depth(QUEUE) == 0

    def test_queues_take_turns(self, broker: Any) -> None:
        publish(broker, *(f"a{n}" for n in range(10)), queue="a")
        publish(broker, *(f"b{n}" for n in range(10)), queue="b")

        first = fetch_names(broker, "a", "b", limit=4) + fetch_names(broker, "a", "b", limit=4)

        assert sorted(first) == ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"]

    def test_a_quiet_queue_leaves_its_share_to_the_others(self, broker: Any) -> None:
        publish(broker, *(f"a{n}" for n in range(10)), queue="a")

        assert len(fetch(broker, "a", "b", limit=10)) == 10

    def test_queues_are_separate(self, broker: Any) -> None:
        publish(broker, "a", queue="one")
        publish(broker, "b", queue="two; DROP TABLE x -- ünïcode/..")

        assert fetch_names(broker, "two; DROP TABLE x -- ünïcode/..") == ["b"]
        assert fetch_names(broker, "one") == ["a"]

    def test_an_acknowledged_message_is_gone(self, make_broker: MakeBroker) -> None:
        broker = make_broker()
        publish(broker, "a")

        broker.settle(ack(*fetch(broker)))
        broker.close()

        assert fetch(make_broker()) == []

    def test_settling_twice_and_unknown_tags_are_harmless(self, broker: Any) -> None:
        publish(broker, "a", "b")
        a, b = fetch(broker)

        broker.settle([*ack(a), *ack(a)])
        broker.settle([*ack(a), Settlement(Verdict.ACK, 2**40, QUEUE), verdict(Verdict.REQUEUE, a)])
        broker.settle([verdict(Verdict.REQUEUE, b), verdict(Verdict.REQUEUE, b)])

        assert fetch_names(broker) == ["b"]

    def test_an_old_verdict_does_not_touch_a_new_delivery(self, broker: Any) -> None:
        publish(broker, "a")
        (old,) = fetch(broker)
        broker.settle([verdict(Verdict.REQUEUE, old)])
        (new,) = fetch(broker)

        broker.settle(ack(old))
        broker.settle([verdict(Verdict.REQUEUE, new)])

        assert fetch_names(broker) == ["a"]

    def test_requeued_messages_return_to_the_head_marked_redelivered(self, broker: Any) -> None:
        publish(broker, "a", "b", "c")
        a, b = fetch(broker, limit=2)

        broker.settle([verdict(Verdict.REQUEUE, a), verdict(Verdict.REQUEUE, b)])

        found = fetch(broker)
        assert names(found) == ["a", "b", "c"]
        assert [(d.redelivered, d.deliveries) for d in found] == [(True, 2), (True, 2), (False, 1)]

    def test_an_untouched_requeue_is_not_counted(self, broker: Any) -> None:
        publish(broker, "a")
        (a,) = fetch(broker)

        broker.settle([verdict(Verdict.REQUEUE, a, untouched=True)])

        (again,) = fetch(broker)
        assert (again.redelivered, again.deliveries) == (False, 1)

    def test_depth_counts_what_waits_and_not_what_is_in_flight(self, broker: Any) -> None:
        publish(broker, "a", "b", "c")
        fetch(broker, limit=1)

        assert (broker.depth(QUEUE), broker.depth("other")) == (2, 0)

    def test_purge_throws_away_what_waits_and_not_what_is_in_flight(self, broker: Any) -> None:
        publish(broker, "a", "b", "c")
        publish(broker, "d", queue="other")
        (a,) = fetch(broker, limit=1)

        assert (broker.purge(QUEUE), broker.purge(QUEUE), broker.purge("unknown")) == (2, 0, 0)

        broker.settle([verdict(Verdict.REQUEUE, a)])
        assert fetch_names(broker, QUEUE, "other") in (["a", "d"], ["d", "a"])

    def test_declaring_is_idempotent_and_keeps_messages(self, broker: Any) -> None:
        queue = Queue(QUEUE, Exchange(QUEUE), QUEUE)
        broker.declare([queue])
        publish(broker, "a")

        broker.declare([queue, queue])

        assert fetch_names(broker) == ["a"]

    def test_fetch_waits_for_a_message(self, make_broker: MakeBroker) -> None:
        consumer, producer = make_broker("w1"), make_broker("")
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.extend(fetch_names(consumer, wait=20)))
        thread.start()

        began = time.monotonic()
        publish(producer, "a")
        thread.join(10)

        assert found == ["a"]
        assert time.monotonic() - began < 5

    def test_fetch_waits_no_longer_than_asked(self, broker: Any) -> None:
        began = time.monotonic()

        assert fetch(broker, wait=0.05) == []
        assert 0.04 < time.monotonic() - began < 5

    def test_close_wakes_a_fetch_that_waits(self, make_broker: MakeBroker) -> None:
        broker = make_broker()
        thread = threading.Thread(target=lambda: fetch(broker, wait=30))
        thread.start()
        time.sleep(0.05)

        broker.close()
        thread.join(10)

        assert not thread.is_alive()

    def test_a_waiting_fetch_does_not_keep_others_from_settling(self, broker: Any) -> None:
        publish(broker, "a", queue="other")
        (a,) = fetch(broker, "other")
        thread = threading.Thread(target=lambda: fetch(broker, wait=30))
        thread.start()
        began = time.monotonic()

        broker.settle(ack(a))

        assert time.monotonic() - began < 5
        broker.close()
        thread.join(10)

    def test_one_message_each_for_two_that_wait(self, make_broker: MakeBroker) -> None:
        brokers = [make_broker("w1"), make_broker("w2")]
        found: list[str] = []
        threads = [threading.Thread(target=lambda b=b: found.extend(fetch_names(b, limit=1, wait=20))) for b in brokers]
        for thread in threads:
            thread.start()

        publish(brokers[0], "a", "b")
        for thread in threads:
            thread.join(10)

        assert sorted(found) == ["a", "b"]

    def test_many_threads_fetch_and_settle_each_message_once(self, make_broker: MakeBroker) -> None:
        producer, consumer = make_broker(""), make_broker("w1")
        wanted = [f"m{n}" for n in range(400)]
        done: list[str] = []
        lock = threading.Lock()

        def produce(mine: list[str]) -> None:
            for name in mine:
                publish(producer, name)

        def consume() -> None:
            while len(done) < len(wanted):
                found = fetch(consumer, limit=7, wait=0.05)
                consumer.settle(ack(*found))
                with lock:
                    done.extend(names(found))

        threads = [threading.Thread(target=produce, args=(wanted[n::4],)) for n in range(4)]
        threads += [threading.Thread(target=consume) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert sorted(done) == sorted(wanted)
        assert consumer.depth(QUEUE) == 0
