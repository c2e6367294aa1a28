from __future__ import annotations

import pytest

from celeriac.engine.attempt import conclude_lost, conclude_lost_plain
from celeriac.engine.refusals import Gate
from celeriac.model.envelope import Verdict
from celeriac.model.errors import TimeLimitExceeded, WorkerLostError
from celeriac.model.outcome import Lost

LOST = Lost(reason="signal 9 (SIGKILL)", signal=9)


@pytest.mark.parametrize(("options", "acked", "verdict", "state"), [
    ({"acks_late": True}, False, Verdict.REQUEUE, None),
    ({"acks_late": True, "reject_on_worker_lost": True}, False, Verdict.REQUEUE, None),
    ({"acks_late": True, "reject_on_worker_lost": False}, False, Verdict.ACK, "FAILURE"),
    ({"reject_on_worker_lost": True}, True, None, "FAILURE"),
])  # fmt: skip
def test_a_lost_job_is_concluded_by_its_tasks_rules(world, options, acked, verdict, state):
    world.task(lambda: 1, **options)
    job = world.job(acked=acked)

    for effects in (conclude_lost(job, LOST, world.tools), conclude_lost_plain(job, LOST, world.gate)):
        assert verdict == (effects.settlement and effects.settlement.verdict)
        assert state == (effects.result and effects.result.state)
    assert isinstance(world.gate, Gate)


def test_a_lost_job_whose_beginning_is_remembered_has_ended(world):
    world.task(lambda: 1)
    job = world.job(acked=True).replace(begun=True)

    for effects in (conclude_lost(job, LOST, world.tools), conclude_lost_plain(job, LOST, world.gate)):
        assert (Verdict.ACK, "FAILURE") == (effects.settlement.verdict, effects.result.state)


def test_a_message_that_goes_back_tells_how_its_attempts_ended(world):
    world.task(lambda: 1, acks_late=True)
    lost = LOST.replace(attempts=("delivery 1, ...",))

    for effects in (conclude_lost(world.job(), lost, world.tools), conclude_lost_plain(world.job(), lost, world.gate)):
        assert (Verdict.REQUEUE, ("delivery 1, ...",)) == (effects.settlement.verdict, effects.settlement.deaths)


def test_a_lost_job_calls_the_failure_handlers(world):
    world.task(lambda: 1)
    world.listen("task_failure")

    effects = conclude_lost(world.job(), LOST, world.tools)

    assert [("on_failure", "WorkerLostError('signal 9 (SIGKILL)')"), "task_failure", ("after_return", "FAILURE")] == world.said
    assert isinstance(effects.result.result, WorkerLostError)


def test_a_lost_job_is_retried_within_bounds(world):
    world.task(lambda: 1, acks_late=True, retry_on_worker_lost=True, max_retries=1)

    again_once = conclude_lost(world.job(), LOST, world.tools)
    too_often = conclude_lost(world.job(retries=1), LOST, world.tools)

    assert ("RETRY", 1, Verdict.ACK) == (again_once.result.state, len(again_once.plans), again_once.settlement.verdict)
    assert ("FAILURE", 0, Verdict.ACK) == (too_often.result.state, len(too_often.plans), too_often.settlement.verdict)


def test_the_hard_limit_fails_the_task_and_is_not_run_again(world):
    world.task(lambda: 1, acks_late=True, reject_on_worker_lost=True)

    effects = conclude_lost(world.job(), Lost(reason="30", kind="timeout"), world.tools)

    assert isinstance(effects.result.result, TimeLimitExceeded)
    assert Verdict.ACK == effects.settlement.verdict


def test_a_loss_that_cannot_be_concluded_sets_the_message_aside(world):
    world.task(lambda x: x, acks_late=True, reject_on_worker_lost=False)
    job = world.job(1)
    broken = job.replace(delivery=job.delivery.replace(envelope=job.delivery.envelope.replace(headers={"task": 5})))

    effects = conclude_lost_plain(broken, Lost("gone"), world.gate)

    assert effects.settlement is not None
    assert (effects.settlement.verdict, effects.result) == (Verdict.REJECT, None)
    assert "could not be concluded" in effects.settlement.reason
    assert world.lines[-1][0] == "malformed"
