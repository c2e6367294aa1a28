from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.drivers.registry import settler_for
from celeriac.lib.clock import SystemClock
from celeriac.lib.ids import uuid
from celeriac.model.outcome import Lost
from celeriac.worker.intake import Intake
from celeriac.worker.options import resolve
from celeriac.worker.outbox import Outbox
from celeriac.worker.parts import Parts


@pytest.fixture
def app() -> Iterator[Any]:
    name = uuid()
    with Celeriac("intake", broker=f"memory://{name}", backend=f"cache+memory://{name}", set_as_current=False) as app:

        @app.task(name="early")
        def early() -> None: ...

        @app.task(name="late", acks_late=True)
        def late() -> None: ...

        yield app


def intake_of(app: Any) -> Intake:
    parts = Parts(app, resolve(app.conf, pool="solo"), SystemClock())
    broker = app.open_broker(owner="me")
    outbox = Outbox(settler_for(broker, app.result_backend), lambda due: [], lambda seconds: None)
    return Intake(broker, parts.gate(), outbox, parts.encode, ["celery"])


def everything(jobs: Any) -> list[Any]:
    return [list(jobs)] if jobs else []


def test_early_jobs_are_acknowledged_before_they_are_handed_out_and_late_ones_are_not(app: Any) -> None:
    app.tasks["early"].delay()
    app.tasks["late"].delay()
    intake = intake_of(app)

    intake.fetch(10, 0)
    [jobs] = intake.take(everything)
    marked = intake.acknowledge(jobs)

    assert [True, False] == [job.acked for job in marked]
    assert ["late"] == [delivery.envelope.headers["task"] for delivery in intake._broker.held()]


def test_what_is_refused_never_becomes_a_job_and_its_result_says_why(app: Any) -> None:
    result = app.send_task("nobody.knows")
    intake = intake_of(app)

    intake.fetch(10, 0)

    assert (0, "FAILURE") == (len(intake), result.state)


def test_what_was_not_handed_out_goes_back_in_order(app: Any) -> None:
    sent = [app.tasks["late"].delay().id for _ in range(3)]
    intake = intake_of(app)

    intake.fetch(10, 0)
    intake.give_back()
    intake.fetch(10, 0)
    [jobs] = intake.take(everything)

    assert sent == [job.delivery.envelope.headers["id"] for job in jobs]
    assert [False] * 3 == [job.delivery.redelivered for job in jobs]


def test_jobs_whose_message_is_gone_or_that_wait_to_be_concluded_are_kept(app: Any) -> None:
    for _ in range(3):
        app.tasks["late"].delay()
    intake = intake_of(app)
    intake.fetch(10, 0)
    [[first, second, third]] = intake.take(everything)

    intake.put_first([first.replace(acked=True), second.replace(lost=Lost("signal 9")), third])
    intake.give_back()

    assert 2 == len(intake)
