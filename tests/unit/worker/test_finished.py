"""Messages that come again although their outcome is stored: settled, not run."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.contracts.backend import AnswersCallers
from celeriac.contracts.broker import ReturnsWhenCut
from celeriac.lib.clock import SystemClock
from celeriac.lib.ids import uuid
from celeriac.model.envelope import Delivery, Envelope, Verdict
from celeriac.model.errors import OperationalError
from celeriac.model.record import ResultMeta, ResultRecord
from celeriac.wire.results import encode_result
from celeriac.worker.finished import Finished, finished_for, sent_at
from celeriac.worker.options import resolve
from celeriac.worker.parts import Parts, Station

DONE = "2030-01-01T00:00:00+00:00"
LONG_AGO = "2001-01-01T00:00:00+00:00"
TASK = uuid()


class Store:
    """A result store with one result, which counts how often it is asked."""

    def __init__(self, record: ResultRecord | None) -> None:
        self.record = record
        self.asked = 0

    def load(self, ids: Collection[str]) -> dict[str, ResultRecord]:
        self.asked += 1
        return {self.record.id: self.record} if self.record is not None and self.record.id in ids else {}


@pytest.fixture
def app() -> Iterator[Any]:
    with Celeriac("finished", broker="memory://", backend="disabled://", set_as_current=False) as app:

        @app.task(name="plain", acks_late=True)
        def plain() -> None: ...

        @app.task(name="kept", acks_late=True, acks_on_failure=False)
        def kept() -> None: ...

        yield app


def result(state: str = "SUCCESS", *, done: str = DONE, id: str = TASK, value: Any = None) -> ResultRecord:
    return encode_result(ResultMeta(id, state, value, date_done=done), serializer="json")


def delivery(*, task: str = "plain", id: str = TASK, redelivered: bool = True, **headers: Any) -> Delivery:
    return Delivery(1, "celery", Envelope({"id": id, "task": task, **headers}, b""), redelivered)


def sifted(app: Any, record: ResultRecord | None, *deliveries: Delivery, successes: bool = False) -> Any:
    store: Any = Store(record)
    left, done = Finished(store, app.tasks, final=["SUCCESS", "FAILURE", "REVOKED"], accept=None, successes=successes).sift(deliveries)
    return list(left), [writes.settlement.verdict for writes in done if writes.settlement is not None]


def test_nothing_is_asked_of_what_comes_for_the_first_time(app: Any) -> None:
    store = Store(result())
    first = delivery(redelivered=False)

    assert Finished(store, app.tasks, final=["SUCCESS"], accept=None, successes=False).sift([first]) == ([first], [])  # type: ignore[arg-type]
    assert store.asked == 0


@pytest.mark.parametrize(
    ("record", "message", "verdicts"),
    [
        (result(), delivery(), [Verdict.ACK]),
        (result("REVOKED", value=ValueError("x")), delivery(), [Verdict.ACK]),
        (result("FAILURE", value=ValueError("x")), delivery(), [Verdict.ACK]),
        (result("FAILURE", value=ValueError("x")), delivery(task="kept"), [Verdict.REJECT]),
        (result("RETRY", value=ValueError("x")), delivery(), []),
        (result("STARTED"), delivery(), []),
        (None, delivery(), []),
        (result(done=LONG_AGO), delivery(), []),
        (result(), delivery(celeriac_sent=4e9), []),
        (result(), delivery(task="unknown"), []),
    ],
)
def test_a_final_result_that_is_not_older_than_its_message_is_what_it_has_come_to(app: Any, record: Any, message: Delivery, verdicts: Any) -> None:
    left, found = sifted(app, record, message)

    assert (left, found) == ([] if verdicts else [message], verdicts)


def test_where_nothing_tells_how_old_a_message_is_the_setting_decides(app: Any) -> None:
    theirs = str(uuids.uuid4())
    message = delivery(id=theirs)

    assert sifted(app, result(id=theirs), message) == ([message], [])
    assert sifted(app, result(id=theirs), message, successes=True) == ([], [Verdict.ACK])
    assert sifted(app, result("FAILURE", id=theirs, value=ValueError("x")), message, successes=True) == ([message], [])


def test_it_is_used_where_a_death_can_fall_between_the_two_writes_and_something_can_be_looked_up(app: Any) -> None:
    class Cut(ReturnsWhenCut):
        recognise = reclaim = None  # type: ignore[assignment]

    class Answers(AnswersCallers):
        prepare_to_answer = None  # type: ignore[assignment]

    def made(broker: Any, backend: Any, *, atomic: bool = False) -> Finished | None:
        return finished_for(broker, backend, app.tasks, atomic=atomic, accept=None, successes=False)

    assert [None, None, None] == [made(object(), Store(None), atomic=True), made(object(), None), made(object(), Answers())]
    message, failed = delivery(), result("FAILURE", value=ValueError("x"))
    cut, leased = made(Cut(), Store(failed)), made(object(), Store(failed))
    assert cut is not None
    assert leased is not None
    # A replayed dead letter under a lease looks the same, so a failure is run again there.
    assert ([], [message]) == (list(cut.sift([message])[0]), list(leased.sift([message])[0]))


def test_what_cannot_be_looked_up_goes_back(app: Any) -> None:
    class Away:
        def sift(self, deliveries: Any) -> Any:
            raise OperationalError("away")

    pauses: list[float] = []
    station = Station(Parts(app, resolve(app.conf, pool="solo"), SystemClock()), pauses.append)
    app.tasks["plain"].delay()
    (first,) = station.broker.fetch(["celery"], limit=1, wait=0)
    station.intake.finished = Away()  # type: ignore[assignment]

    left, back = station.intake._sift(station.intake.finished, [first.replace(redelivered=True), first])  # type: ignore[arg-type]

    assert ([first], [Verdict.REQUEUE], 1) == (left, [each.settlement.verdict for each in back if each.settlement], len(pauses))


@pytest.mark.parametrize(
    ("headers", "sent"),
    [({"celeriac_sent": 5.5}, 5.5), ({"id": "0189d3a5-6c00-7000-8000-000000000000"}, 0x0189D3A56C00 / 1000), ({"id": "mine"}, None), ({}, None)],
)
def test_a_message_tells_when_it_was_sent(headers: dict[str, Any], sent: float | None) -> None:
    assert sent_at(headers) == sent
