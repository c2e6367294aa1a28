"""What brokers with leases, dead letters and broadcasts must do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from celeriac.contracts.broker import Broadcasts, CountsStarts, DeadLetters, Leases, RemembersRevoked, RemovesDelayed
from celeriac.lib.clock import Clock
from celeriac.model.envelope import Outgoing, Verdict
from celeriac.testing.conformance.making import QUEUE, Fixtures, MakeBroker, ack, fetch, fetch_names, message, names, publish, verdict


class LeasesSuite(Fixtures):
    """``Leases``: brokers are made with a lease of one second."""

    def test_what_a_dead_owner_held_comes_back_at_the_head_marked_redelivered(
        self, make_broker: MakeBroker, advance: Callable[[float], None]
    ) -> None:
        dead, living = make_broker("dead", 1.0), make_broker("living", 1.0)
        assert Leases in type(dead).__mro__
        publish(dead, "a", "b", "c")
        fetch(dead, limit=2)

        advance(1.5)
        living.renew()

        assert living.recover() == 2
        found = fetch(living)
        assert names(found) == ["a", "b", "c"]
        assert [(d.redelivered, d.deliveries) for d in found] == [(True, 2), (True, 2), (False, 1)]

    def test_what_a_living_owner_holds_never_comes_back(self, make_broker: MakeBroker, advance: Callable[[float], None]) -> None:
        holder, other = make_broker("holder", 1.0), make_broker("other", 1.0)
        publish(holder, "a")
        fetch(holder)

        for _ in range(5):
            advance(0.6)
            holder.renew()
            assert other.recover() == 0

        assert fetch(other) == []

    def test_recovering_finds_each_message_once(self, make_broker: MakeBroker, advance: Callable[[float], None]) -> None:
        dead, first, second = (make_broker(name, 1.0) for name in ("dead", "first", "second"))
        publish(dead, "a")
        fetch(dead)
        advance(1.5)
        first.renew()
        second.renew()

        assert (first.recover(), second.recover()) == (1, 0)

    def test_a_verdict_of_one_who_was_taken_for_dead_changes_nothing(self, make_broker: MakeBroker, advance: Callable[[float], None]) -> None:
        sleeper, other = make_broker("sleeper", 1.0), make_broker("other", 1.0)
        publish(sleeper, "a")
        (a,) = fetch(sleeper)
        advance(1.5)
        other.renew()
        other.recover()
        (mine,) = fetch(other)

        sleeper.settle(ack(a))

        assert names(other.held()) == ["a"]
        other.settle(ack(mine))
        assert other.held() == []

    def test_one_who_was_taken_for_dead_and_goes_on_is_covered_again(self, make_broker: MakeBroker, advance: Callable[[float], None]) -> None:
        sleeper, other = make_broker("sleeper", 1.0), make_broker("other", 1.0)
        advance(1.5)
        other.renew()
        other.recover()
        publish(other, "a")

        fetch(sleeper)

        assert other.recover() == 0
        advance(1.5)
        other.renew()
        assert other.recover() == 1

    def test_held_is_what_a_restarted_consumer_begins_with(self, make_broker: MakeBroker) -> None:
        before = make_broker("w1")
        publish(before, "a", "b", "c")
        a, *_ = fetch(before, limit=2)
        before.settle(ack(a))
        before.close()

        after = make_broker("w1")

        (held,) = after.held()
        assert names([held]) == ["b"]
        after.settle(ack(held))
        assert (list(after.held()), fetch_names(after)) == ([], ["c"])

    def test_held_is_only_ones_own(self, make_broker: MakeBroker) -> None:
        first, second = make_broker("w1"), make_broker("w2")
        publish(first, "a")
        fetch(first)

        assert list(second.held()) == []

    def test_release_gives_everything_back_untouched(self, make_broker: MakeBroker) -> None:
        first, second = make_broker("w1"), make_broker("w2")
        publish(first, "a", "b")
        fetch(first)

        first.release()

        found = fetch(second)
        assert names(found) == ["a", "b"]
        assert [(d.redelivered, d.deliveries) for d in found] == [(False, 1), (False, 1)]
        assert list(first.held()) == []


class DeadLettersSuite(Fixtures):
    """``DeadLetters``."""

    def test_a_rejected_message_is_kept_with_its_reason(self, broker: Any) -> None:
        assert DeadLetters in type(broker).__mro__
        publish(broker, "a")
        (a,) = fetch(broker)

        broker.settle([verdict(Verdict.REJECT, a, reason="nobody knows the task")])

        (letter,) = broker.dead()
        assert (letter.queue, letter.reason, letter.envelope) == (QUEUE, "nobody knows the task", a.envelope)
        assert fetch(broker) == []
        if isinstance(broker, Leases):
            assert list(broker.held()) == []

    def test_letters_are_listed_newest_first_by_queue_and_limit(self, broker: Any) -> None:
        for queue, name in (("one", "a"), ("two", "b"), ("one", "c")):
            publish(broker, name, queue=queue)
            broker.settle([verdict(Verdict.REJECT, d, reason=name) for d in fetch(broker, queue)])

        assert [letter.reason for letter in broker.dead()] == ["c", "b", "a"]
        assert [letter.reason for letter in broker.dead("one")] == ["c", "a"]
        assert [letter.reason for letter in broker.dead(limit=1)] == ["c"]
        assert list(broker.dead("unknown")) == []

    def test_a_replayed_letter_is_delivered_again(self, broker: Any) -> None:
        publish(broker, "a")
        broker.settle([verdict(Verdict.REJECT, d, reason="x") for d in fetch(broker)])
        (letter,) = broker.dead()

        assert (broker.replay([letter.key]), broker.replay([letter.key, "unknown", "99"])) == (1, 0)

        (again,) = fetch(broker)
        # It may say that it was sent anew.
        again.envelope.headers.pop("celeriac_sent", None)
        assert (again.envelope, again.deliveries) == (letter.envelope, 1)
        assert list(broker.dead()) == []

    def test_a_buried_letter_is_forgotten(self, broker: Any) -> None:
        publish(broker, "a")
        broker.settle([verdict(Verdict.REJECT, d, reason="x") for d in fetch(broker)])
        (letter,) = broker.dead()

        assert (broker.bury([letter.key]), broker.bury([letter.key, "unknown"])) == (1, 0)
        assert list(broker.dead()) == []


class BroadcastsSuite(Fixtures):
    """``Broadcasts``."""

    def news(self, key: str, exchange: str = "celeryev") -> Outgoing:
        """Return a message for an exchange's listeners."""
        return message(key).replace(exchange=exchange, routing_key=key)

    def test_every_listener_gets_a_broadcast_in_order(self, make_broker: MakeBroker) -> None:
        first, second = make_broker("w1"), make_broker("w2")
        assert Broadcasts in type(first).__mro__
        listeners = [first.listen("celeryev"), second.listen("celeryev")]

        first.broadcast([self.news("a"), self.news("b")])

        for listener in listeners:
            assert [(key, envelope.headers["id"]) for key, envelope in listener.receive(10)] == [("a", "a"), ("b", "b")]
            listener.close()

    def test_patterns_and_exchanges_choose(self, broker: Any) -> None:
        listener = broker.listen("celeryev", ("worker.#", "task.*"))

        broker.broadcast([self.news(key) for key in ("worker.heartbeat", "task.sent.now", "task.sent", "other")])
        broker.broadcast([self.news("worker.x", exchange="elsewhere")])

        assert [key for key, _ in listener.receive(10)] == ["worker.heartbeat", "task.sent"]
        assert list(listener.receive(0)) == []
        listener.close()

    def test_what_was_sent_before_is_not_heard(self, broker: Any) -> None:
        earlier = broker.listen("celeryev")
        broker.broadcast([self.news("before")])
        listener = broker.listen("celeryev")
        broker.broadcast([self.news("after")])

        assert [key for key, _ in listener.receive(10)] == ["after"]
        assert [key for key, _ in earlier.receive(10)] == ["before", "after"]

    def test_a_broadcast_that_nobody_hears_is_no_error(self, broker: Any) -> None:
        broker.broadcast([self.news("a")])
        broker.broadcast([])

    def test_receive_waits_and_close_wakes_it(self, broker: Any) -> None:
        listener = broker.listen("celeryev")
        heard: list[Any] = []
        thread = threading.Thread(target=lambda: heard.append(list(listener.receive(30))))
        thread.start()
        time.sleep(0.05)

        listener.close()
        thread.join(10)

        assert heard == [[]]

    def test_receive_is_woken_by_a_broadcast(self, broker: Any) -> None:
        listener = broker.listen("celeryev")
        heard: list[str] = []
        thread = threading.Thread(target=lambda: heard.extend(key for key, _ in listener.receive(30)))
        thread.start()
        time.sleep(0.05)
        began = time.monotonic()

        broker.broadcast([self.news("a")])
        thread.join(10)

        assert heard == ["a"]
        assert time.monotonic() - began < 5
        listener.close()

    def test_tasks_and_broadcasts_do_not_mix(self, broker: Any) -> None:
        listener = broker.listen("celeryev")
        publish(broker, "task")

        broker.broadcast([self.news("event")])

        assert fetch_names(broker) == ["task"]
        assert [key for key, _ in listener.receive(10)] == ["event"]
        listener.close()


class RevokedSuite(Fixtures):
    """``RemembersRevoked``."""

    def test_what_was_revoked_is_known_to_those_who_come_later(self, make_broker: MakeBroker, clock: Clock, advance: Callable[[float], None]) -> None:
        client = make_broker("")
        assert RemembersRevoked in type(client).__mro__
        began = clock.now()
        advance(1.0)
        client.remember_revoked(["a", "b"], kept=100.0)
        advance(1.0)
        client.remember_revoked(["stamp:tenant=\"x\""], kept=100.0)

        found = make_broker("w9").revoked_since(0.0)

        assert [mark for mark, _ in found[2:]] == ["stamp:tenant=\"x\""]
        assert {mark for mark, _ in found[:2]} == {"a", "b"}
        assert all(began < when <= clock.now() for _, when in found)

    def test_only_what_is_new_is_returned(self, broker: Any, advance: Callable[[float], None]) -> None:
        broker.remember_revoked(["a"], kept=100.0)
        ((_, when),) = broker.revoked_since(0.0)
        advance(1.0)
        broker.remember_revoked(["b"], kept=100.0)

        assert [mark for mark, _ in broker.revoked_since(when)] == ["b"]

    def test_it_is_forgotten_in_time_unless_it_is_revoked_again(self, broker: Any, advance: Callable[[float], None]) -> None:
        broker.remember_revoked(["a", "b"], kept=1.0)
        advance(0.6)
        broker.remember_revoked(["b"], kept=1.0)
        advance(0.6)

        assert [mark for mark, _ in broker.revoked_since(0.0)] == ["b"]

    def test_many_are_kept_in_one_write(self, broker: Any) -> None:
        broker.remember_revoked([f"task-{number}" for number in range(20_000)], kept=100.0)
        broker.remember_revoked([], kept=100.0)

        assert len(broker.revoked_since(0.0)) == 20_000


class ShowsDelayedSuite(Fixtures):
    """``ShowsDelayed``."""

    def test_what_is_delayed_is_shown_and_stays(self, broker: Any, clock: Clock) -> None:
        due = clock.now() + 50
        publish(broker, "b", due=due + 10)
        publish(broker, "a", due=due)
        publish(broker, "elsewhere", due=due, queue="other")
        publish(broker, "now")

        shown = broker.delayed([QUEUE, "unknown"], limit=10)

        assert [(each.envelope.headers["id"], each.queue) for _, each in shown] == [("a", QUEUE), ("b", QUEUE)]
        assert [when for when, _ in shown] == pytest.approx([due, due + 10], abs=0.001)
        assert (len(broker.delayed([QUEUE], limit=1)), broker.depth(QUEUE)) == (1, 3)


class RemovesDelayedSuite(Fixtures):
    """``RemovesDelayed``, of a broker with ``ShowsDelayed``."""

    def test_what_is_removed_is_never_delivered(self, broker: Any, clock: Clock, advance: Callable[[float], None]) -> None:
        assert RemovesDelayed in type(broker).__mro__
        publish(broker, "a", "b", "c", due=clock.now() + 0.5)
        publish(broker, "d", due=clock.now() + 0.5, queue="other")
        publish(broker, "now")
        fetch(broker, QUEUE, "other")

        assert sorted(broker.remove_delayed(["b", "d", "now", "unknown"])) == ["b", "d"]

        assert [each.envelope.headers["id"] for _, each in broker.delayed(limit=10)] == ["a", "c"]
        advance(0.6)
        assert sorted(fetch_names(broker, QUEUE, "other")) == ["a", "c"]
        assert broker.remove_delayed(["a", "b"]) == []

    def test_all_queues_are_shown_when_none_is_named(self, broker: Any, clock: Clock) -> None:
        fetch(broker, QUEUE, "other")
        publish(broker, "a", due=clock.now() + 50)
        publish(broker, "b", due=clock.now() + 40, queue="other")

        assert [(each.queue, each.envelope.headers["id"]) for _, each in broker.delayed(limit=10)] == [("other", "b"), (QUEUE, "a")]

    def test_one_is_found_among_many_and_by_odd_ids(self, broker: Any, clock: Clock) -> None:
        fetch(broker)
        publish(broker, *(f"many-{number}" for number in range(5000)), due=clock.now() + 50)
        odd = ["*", "a[b]", 'say "so"', "back\\slash", "snow \u2603", "many-4000"]
        publish(broker, *odd[:-1], due=clock.now() + 60)

        assert sorted(broker.remove_delayed(odd)) == sorted(odd)
        assert broker.depth(QUEUE) == 4999


class CountsStartsSuite(Fixtures):
    """``CountsStarts``."""

    def test_starts_of_a_key_are_spaced_for_all_who_ask(self, make_broker: MakeBroker, clock: Clock, advance: Callable[[float], None]) -> None:
        first, second = make_broker("w1"), make_broker("w2")
        assert CountsStarts in type(first).__mro__
        began = clock.now()

        assert first.start("t:a", space=0.1, slack=0.0) is None
        assert second.start("t:a", space=0.1, slack=0.0) == pytest.approx(began + 0.1, abs=0.05)
        assert second.start("t:b", space=0.1, slack=0.0) is None
        advance(0.11)
        assert second.start("t:a", space=0.1, slack=0.0) is None
        assert first.start("t:a", space=0.1, slack=0.0) is not None

    def test_a_delay_is_made_up_for_as_far_as_the_slack_goes(self, broker: Any, advance: Callable[[float], None]) -> None:
        broker.start("t", space=1.0, slack=0.5)
        advance(1.4)
        assert broker.start("t", space=1.0, slack=0.5) is None
        advance(0.7)
        assert broker.start("t", space=1.0, slack=0.5) is None
        advance(0.5)
        assert broker.start("t", space=1.0, slack=0.5) is not None

    def test_many_who_ask_at_once_share_the_starts(self, make_broker: MakeBroker) -> None:
        brokers = [make_broker(f"w{number}") for number in range(4)]
        granted: list[object] = []

        def ask(broker: Any) -> None:
            granted.extend(number for number in range(25) if broker.start("t", space=3600.0, slack=0.0) is None)

        threads = [threading.Thread(target=ask, args=(broker,)) for broker in brokers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

        assert len(granted) == 1
