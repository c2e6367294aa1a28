"""What brokers must do that remember what has begun and may run only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from celeriac.contracts.broker import RemembersBegun
from celeriac.model.envelope import Delivery, Verdict
from celeriac.testing.conformance.making import QUEUE, Fixtures, MakeBroker, ack, fetch, fetch_names, message, names, publish, verdict

Advance = Callable[[float], None]


def begin(broker: Any, *deliveries: Delivery) -> None:
    """Say of deliveries that they are being run and may not run again."""
    broker.settle([verdict(Verdict.BEGIN, one) for one in deliveries])


def inherited(heir: Any, advance: Advance, seconds: float = 6.0) -> list[tuple[Delivery, str]]:
    """Let time pass in which the heir does what a worker does, until it has inherited something."""
    found: Sequence[tuple[Delivery, str]] = ()
    while not found and seconds > 0:
        advance(0.3)
        seconds -= 0.3
        heir.renew()
        heir.recover()
        found = heir.inherit()
    return list(found)


class BegunSuite(Fixtures):
    """``RemembersBegun``: brokers are made with a lease of one second."""

    def test_what_has_begun_is_held_until_it_has_ended(self, make_broker: MakeBroker) -> None:
        broker = make_broker("w1", 1.0)
        assert RemembersBegun in type(broker).__mro__
        publish(broker, "a", "b")
        a, b = fetch(broker)

        begin(broker, a, b)
        assert (names(broker.held()), set(broker.begun())) == (["a", "b"], {a.tag, b.tag})
        broker.settle(ack(a, b))

        assert (list(broker.held()), set(broker.begun()), broker.depth(QUEUE)) == ([], set(), 0)

    def test_what_a_dead_owner_had_begun_never_goes_back_and_is_inherited_once(self, make_broker: MakeBroker, advance: Advance) -> None:
        dead, heir, other = (make_broker(name, 1.0) for name in ("dead", "heir", "other"))
        publish(dead, "a", "b", "c")
        a, _, c = fetch(dead)
        begin(dead, a, c)
        fetch(heir)
        fetch(other)

        found = inherited(heir, advance)

        assert [(one.envelope.headers["id"], owner) for one, owner in found] == [("a", "dead"), ("c", "dead")]
        assert fetch_names(heir) == ["b"]
        other.renew()
        other.recover()
        assert (list(other.inherit()), list(heir.inherit()), names(heir.held())) == ([], [], ["a", "c", "b"])
        heir.settle(ack(*(one for one, _ in found)))
        assert names(heir.held()) == ["b"]

    def test_nothing_is_inherited_from_the_living(self, make_broker: MakeBroker, advance: Advance) -> None:
        holder, other = make_broker("holder", 1.0), make_broker("other", 1.0)
        publish(holder, "a")
        begin(holder, *fetch(holder))
        fetch(other)

        for _ in range(8):
            advance(0.4)
            holder.renew()
            other.renew()
            assert (other.recover(), list(other.inherit())) == (0, [])

    def test_an_heir_that_dies_has_an_heir(self, make_broker: MakeBroker, advance: Advance) -> None:
        dead, heir, last = (make_broker(name, 1.0) for name in ("dead", "heir", "last"))
        publish(dead, "a")
        begin(dead, *fetch(dead))
        fetch(heir)
        assert names([one for one, _ in inherited(heir, advance)]) == ["a"]
        fetch(last)

        ((again, owner),) = inherited(last, advance)

        assert (again.envelope.headers["id"], owner, fetch(last)) == ("a", "heir", [])

    def test_only_one_who_fetches_from_the_queue_inherits(self, make_broker: MakeBroker, advance: Advance) -> None:
        dead, stranger, heir = (make_broker(name, 1.0) for name in ("dead", "stranger", "heir"))
        publish(dead, "a")
        begin(dead, *fetch(dead))
        fetch(stranger, "another")

        assert inherited(stranger, advance, seconds=3.0) == []

        fetch(heir)
        assert names([one for one, _ in inherited(heir, advance)]) == ["a"]

    def test_what_follows_can_stand_in_the_place_of_what_has_ended(self, make_broker: MakeBroker, advance: Advance) -> None:
        dead, heir = make_broker("dead", 1.0), make_broker("heir", 1.0)
        publish(dead, "a", "b")
        a, b = fetch(dead)
        begin(dead, a, b)
        dead.settle([verdict(Verdict.BEGIN, a, instead=message("next of a")), verdict(Verdict.BEGIN, b, instead=message("next of b"))])
        dead.settle(ack(b))
        fetch(heir)

        found = inherited(heir, advance)

        assert (names(dead.held()), names([one for one, _ in found])) == ([], ["next of a"])

    def test_a_message_tells_how_its_attempts_ended(self, make_broker: MakeBroker, advance: Advance) -> None:
        dead, living = make_broker("w1@there/1", 1.0), make_broker("living", 1.0)
        publish(dead, "a")
        (first,) = fetch(dead)
        dead.settle([verdict(Verdict.REQUEUE, first, deaths=("one",))])
        assert fetch(dead)[0].deaths == ("one",)

        advance(1.5)
        living.renew()
        living.recover()

        (again,) = fetch(living)
        assert (again.deliveries, again.deaths[0], again.deaths[1][:10], "w1@there:" in again.deaths[1]) == (3, "one", "delivery 2", True)
        living.settle([verdict(Verdict.REJECT, again, reason="x")])
        living.replay([letter.key for letter in living.dead()])
        (fresh,) = fetch(living)
        assert (fresh.deliveries, fresh.deaths) == (1, ())

    def test_leaving_gives_back_only_what_has_not_begun(self, make_broker: MakeBroker, advance: Advance) -> None:
        leaving, other = make_broker("leaving", 1.0), make_broker("other", 1.0)
        publish(leaving, "a", "b")
        begin(leaving, fetch(leaving)[0])

        leaving.release()

        assert fetch_names(other) == ["b"]
        assert names([one for one, _ in inherited(other, advance)]) == ["a"]

    def test_a_restarted_consumer_knows_what_had_begun(self, make_broker: MakeBroker) -> None:
        before = make_broker("w1")
        publish(before, "a", "b")
        a, _ = fetch(before)
        begin(before, a)
        before.close()

        after = make_broker("w1")

        assert (names(after.held()), set(after.begun())) == (["a", "b"], {a.tag})
        after.settle(ack(a))
        assert names(after.held()) == ["b"]

    def test_the_end_of_one_who_was_taken_for_dead_changes_nothing(self, make_broker: MakeBroker, advance: Advance) -> None:
        sleeper, heir = make_broker("sleeper", 1.0), make_broker("heir", 1.0)
        publish(sleeper, "a")
        (a,) = fetch(sleeper)
        begin(sleeper, a)
        fetch(heir)
        ((taken, _),) = inherited(heir, advance)

        sleeper.settle(ack(a))

        assert names(heir.held()) == ["a"]
        heir.settle(ack(taken))
        assert list(heir.held()) == []
