from __future__ import annotations

import pytest

from celeriac.engine.refusals import admit
from celeriac.model.effects import Effects, Job
from celeriac.model.envelope import Delivery, Envelope, Verdict
from celeriac.model.errors import NotRegistered, TaskRevokedError
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import format_time


def message(**fields):
    return TaskMessage(task="t", id="id-1", **fields)


def test_a_good_message_becomes_a_job(world):
    world.task(lambda: 1)

    job = admit(world.delivery(), world.gate)

    assert isinstance(job, Job)
    assert (False, "w@h", world.clock.now()) == (job.acked, job.hostname, job.received)
    assert "received" == world.lines[0][0]


@pytest.mark.parametrize("late", [True, False])
def test_the_gate_knows_which_jobs_are_acknowledged_late(world, late):
    world.task(lambda: 1, acks_late=late)

    assert late == world.gate.late(admit(world.delivery(), world.gate))


def test_an_unknown_task_is_set_aside_and_failed(world):
    world.listen("task_unknown")

    effects = admit(world.delivery(), world.gate)

    assert isinstance(effects, Effects)
    assert Verdict.REJECT == effects.settlement.verdict
    assert "'t' is not registered" in effects.settlement.reason
    assert isinstance(effects.result.result, NotRegistered)
    assert ["task_unknown"] == world.said


BROKEN = {
    "no headers": Envelope({}, b"hello"),
    "no id": Envelope({"task": "t"}, b"[[], {}, {}]"),
    "not json": Envelope({"task": "t", "id": "i"}, b"{{{{"),
    "not a list": Envelope({"task": "t", "id": "i"}, b'{"a": 1}'),
    "wrong parts": Envelope({"task": "t", "id": "i"}, b'["x", "y", "z"]'),
    "pickle": Envelope({"task": "t", "id": "i"}, b"\x80", "application/x-python-serialize", "binary"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_understood_is_set_aside_with_the_reason(world, case):
    world.task(lambda: 1)

    effects = admit(Delivery(1, "celery", BROKEN[case]), world.gate)

    assert isinstance(effects, Effects)
    assert Verdict.REJECT == effects.settlement.verdict
    assert effects.settlement.reason
    assert "malformed" == world.lines[0][0]


def test_a_revoked_task_is_not_run(world):
    world.task(lambda: 1)
    world.revoked.add(["id-1"], world.clock.now())
    world.listen("task_revoked")

    effects = admit(world.delivery(), world.gate)

    assert (Verdict.ACK, "REVOKED") == (effects.settlement.verdict, effects.result.state)
    assert ["task_revoked"] == world.said


def test_an_expired_task_is_not_run(world):
    world.task(lambda: 1)

    effects = admit(world.delivery(message(expires=format_time(world.clock.now() - 1))), world.gate)

    assert (Verdict.ACK, "REVOKED") == (effects.settlement.verdict, effects.result.state)
    assert isinstance(effects.result.result, TaskRevokedError)
    assert ("revoked", "t", "id-1", "expired") == world.lines[0]


def test_a_task_that_is_not_due_goes_back_untouched(world):
    world.task(lambda: 1)
    due = world.clock.now() + 10

    early = admit(world.delivery(message(eta=format_time(due))), world.gate)
    world.clock.advance(10)
    late = admit(world.delivery(message(eta=format_time(due))), world.gate)

    assert (Verdict.POSTPONE, due, True, None) == (early.settlement.verdict, early.settlement.until, early.settlement.untouched, early.result)
    assert isinstance(late, Job)


def test_what_was_delivered_too_often_is_set_aside(world):
    world.task(lambda: 1)
    world.gate.max_deliveries = 3

    effects = admit(world.delivery(deliveries=4, redelivered=True), world.gate)

    assert (Verdict.REJECT, "FAILURE") == (effects.settlement.verdict, effects.result.state)


def test_ignored_results_of_refused_messages_are_not_stored(world):
    world.task(lambda: 1)
    world.revoked.add(["id-1"], world.clock.now())

    assert None is admit(world.delivery(message(ignore_result=True)), world.gate).result


def test_arguments_that_only_a_tolerant_reader_understands_are_admitted(world):
    world.task(lambda: 1)
    envelope = Envelope({"task": "t", "id": "i"}, b"[[NaN], {}, {}]")

    assert isinstance(admit(Delivery(1, "celery", envelope), world.gate), Job)
