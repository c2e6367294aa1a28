"""What a dead worker had begun becomes jobs that are only concluded, unless its outcome is stored already."""

from __future__ import annotations

from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.contracts.broker import RemembersBegun
from celeriac.drivers.registry import open_backend
from celeriac.drivers.two_step import TwoStep
from celeriac.engine.hooks import Silence
from celeriac.engine.refusals import Gate
from celeriac.engine.revoked import Revoked
from celeriac.lib.clock import ManualClock
from celeriac.model.effects import Writes
from celeriac.model.envelope import Delivery, Envelope, Settlement, Verdict
from celeriac.model.record import ResultRecord
from celeriac.worker.left_behind import LeftBehind
from celeriac.worker.outbox import Outbox


class Inheriting(RemembersBegun):
    """A broker that has something to inherit, once."""

    def __init__(self, *found: tuple[Delivery, str]) -> None:
        self.found = list(found)

    def begun(self) -> set[Any]:
        return set()

    def inherit(self) -> list[tuple[Delivery, str]]:
        found, self.found = self.found, []
        return found


class Settled:
    """A settler that keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[Writes] = []

    def flush(self, writes: Any, body_of: Any) -> None:
        self.writes += writes


def delivery(name: str) -> Delivery:
    return Delivery(name, "celery", Envelope({"id": name, "task": "t"}, b"[[], {}, {}]"))


@pytest.fixture
def gate() -> Gate:
    app = Celeriac("left", broker="memory://", set_as_current=False)
    return Gate(tasks=app.tasks, clock=ManualClock(), log=Silence(), revoked=Revoked(), accept=None, hostname="w2@here")


def test_jobs_say_whose_death_it_was_and_are_not_run(gate: Gate) -> None:
    settled = Settled()
    left = LeftBehind(Inheriting((delivery("a"), "w1@there/123")), None, settled, gate, Outbox(settled, lambda _: [], lambda _: None))

    (job,) = left.look()

    assert job.lost is not None
    assert ("Its worker w1@there was lost while it ran", True, True) == (job.lost.reason, job.acked, job.begun)
    assert ([], []) == (left.look(), settled.writes)


def test_what_has_an_outcome_already_is_only_ended_where_the_two_are_two_writes(gate: Gate) -> None:
    settled = Settled()
    backend = open_backend("cache+memory://left")
    backend.connect()
    backend.store([ResultRecord("a", "SUCCESS", b"{}"), ResultRecord("b", "STARTED", b"{}")])
    broker: Any = Inheriting(*((delivery(name), "w1@there/123") for name in "abc"))
    left = LeftBehind(broker, backend, TwoStep(broker, backend), gate, Outbox(settled, lambda _: [], lambda _: None))

    jobs = left.look()

    assert ["b", "c"] == [job.delivery.tag for job in jobs]
    assert [Writes(settlement=Settlement(Verdict.ACK, "a", "celery"))] == settled.writes
