"""What settlers must do, and what those must that write everything at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from celeriac.contracts.settler import Fuses, Settler
from celeriac.drivers.registry import settler_for
from celeriac.drivers.two_step import TwoStep
from celeriac.model.effects import Writes
from celeriac.model.envelope import Outgoing, Verdict
from celeriac.model.record import DueChord
from celeriac.testing.conformance.making import QUEUE, Fixtures, ack, fetch, fetch_names, message, part, publish, record, verdict


def no_body(_chord: DueChord) -> Sequence[Outgoing]:
    """For flushes in which no chord falls due."""
    raise AssertionError("no chord was due")


class SettlerSuite(Fixtures):
    """The seam itself."""

    @pytest.fixture
    def settler(self, broker: Any, backend: Any) -> Settler:
        """The settler of the broker and the backend."""
        return settler_for(broker, backend)

    def test_follow_ups_are_sent_results_stored_messages_settled(self, settler: Settler, broker: Any, backend: Any) -> None:
        publish(broker, "a", "b")
        a, b = fetch(broker)

        settler.flush(
            [
                Writes(ack(a)[0], (record("a", "STARTED"), record("a")), (message("next"),)),
                Writes(verdict(Verdict.REQUEUE, b)),
                Writes(records=(record("c", "PROGRESS"),)),
            ],
            no_body,
        )

        assert sorted(fetch_names(broker)) == ["b", "next"]
        assert {task_id: r.state for task_id, r in backend.load(["a", "b", "c"]).items()} == {"a": "SUCCESS", "c": "PROGRESS"}

    def test_an_empty_flush_does_nothing(self, settler: Settler, broker: Any) -> None:
        settler.flush([], no_body)
        settler.flush([Writes()], no_body)

        assert broker.depth(QUEUE) == 0

    def test_a_flush_may_be_repeated(self, settler: Settler, broker: Any, backend: Any) -> None:
        publish(broker, "a")
        writes = [Writes(ack(fetch(broker)[0])[0], (record("a"),))]

        settler.flush(writes, no_body)
        settler.flush(writes, no_body)

        assert (broker.depth(QUEUE), list(backend.load(["a"]))) == (0, ["a"])

    def test_the_body_of_a_chord_is_sent_once(self, settler: Settler, broker: Any) -> None:
        def body_of(chord: DueChord) -> Sequence[Outgoing]:
            return [message("body " + ",".join(p.body.decode() for p in chord.parts))]

        settler.flush([Writes(part=part(0)), Writes(part=part(2))], body_of)
        settler.flush([Writes(part=part(1))], body_of)
        settler.flush([Writes(part=part(1))], body_of)

        assert fetch_names(broker) == ["body 0,1,2"]

    def test_two_systems_are_settled_in_two_steps(self, broker: Any, backend: Any) -> None:
        publish(broker, "a")
        (a,) = fetch(broker)

        TwoStep(broker, backend).flush([Writes(ack(a)[0], (record("a"),), (message("next"),), part(0, size=1))], lambda _: [message("body")])

        assert sorted(fetch_names(broker)) == ["body", "next"]
        assert list(backend.load(["a"])) == ["a"]


class AtomicSettlerSuite(SettlerSuite):
    """``Fuses``: all or nothing."""

    def test_broker_and_store_are_one(self, settler: Settler, broker: Any) -> None:
        assert isinstance(broker, Fuses)
        assert not isinstance(settler, TwoStep)

    def test_when_it_fails_nothing_has_happened(self, settler: Settler, broker: Any, backend: Any) -> None:
        publish(broker, "a")
        (a,) = fetch(broker)
        lost = message("lost").replace(exchange="nowhere")

        with pytest.raises(LookupError):
            settler.flush([Writes(ack(a)[0], (record("a"),), (message("next"),)), Writes(publish=(lost,))], no_body)

        assert (broker.depth(QUEUE), dict(backend.load(["a"])), [d.tag for d in broker.held()]) == (0, {}, [a.tag])

    def test_a_chord_whose_body_cannot_be_made_stays_due(self, settler: Settler, broker: Any, backend: Any) -> None:
        def refuse(_chord: DueChord) -> Sequence[Outgoing]:
            raise ArithmeticError("no body today")

        with pytest.raises(ArithmeticError):
            settler.flush([Writes(part=part(0, size=1), records=(record("a"),))], refuse)
        assert backend.load(["a"]) == {}

        settler.flush([Writes(part=part(0, size=1), records=(record("a"),))], lambda _: [message("body")])

        assert fetch_names(broker) == ["body"]
