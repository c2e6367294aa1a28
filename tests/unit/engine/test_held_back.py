"""Admitted jobs that were revoked while they waited, jobs that were ended, and messages over their task's rate."""

from __future__ import annotations

import pytest

from celeriac.engine.rate_limit import CLUSTER, key_text
from celeriac.engine.refusals import admit, revoked_since, terminated
from celeriac.model.effects import Effects, Job
from celeriac.model.envelope import Verdict
from celeriac.model.outcome import Lost
from celeriac.model.task_message import TaskMessage


def message(id: str = "id-1", *args, **fields) -> TaskMessage:
    return TaskMessage(task="t", id=id, args=list(args), **fields)


@pytest.mark.parametrize("acked", [False, True])
def test_a_job_that_was_revoked_while_it_waited_is_not_run(world, acked):
    world.task(lambda: 1)
    job = admit(world.delivery(message()), world.gate).replace(acked=acked)
    assert revoked_since(job, world.gate) is None

    world.gate.revoked.add(["id-1"], world.clock.now())
    effects = revoked_since(job, world.gate)

    assert "REVOKED" == effects.result.state
    assert acked == (effects.settlement is None)


def test_a_job_that_has_begun_once_is_concluded_all_the_same(world):
    world.task(lambda: 1)
    job = admit(world.delivery(message()), world.gate).replace(lost=Lost("died"))
    world.gate.revoked.add(["id-1"], world.clock.now())

    assert revoked_since(job, world.gate) is None


def test_a_terminated_job_is_acknowledged_and_revoked(world):
    world.listen("task_revoked")
    world.task(lambda: 1, acks_late=True)
    job = admit(world.delivery(message()), world.gate)

    effects = terminated(job, Lost("ended", kind="terminated", signal=15), world.gate)

    assert (Verdict.ACK, "REVOKED") == (effects.settlement.verdict, effects.result.state)
    assert "terminated" == str(effects.result.result)
    assert "task_revoked" in world.said


def test_a_message_over_its_tasks_rate_goes_back_untouched_until_its_turn(world):
    world.task(lambda: 1)
    world.gate.rates.set("t", 10.0)
    now = world.clock.now()

    first, second = (admit(world.delivery(message(id)), world.gate) for id in ("a", "b"))

    assert isinstance(first, Job)
    assert isinstance(second, Effects)
    settlement = second.settlement
    assert (Verdict.POSTPONE, True) == (settlement.verdict, settlement.untouched)
    assert now + 0.1 == pytest.approx(settlement.until)
    assert ["received"] == [line[0] for line in world.lines]


def test_each_key_is_counted_by_itself(world):
    world.task(lambda tenant: 1)
    world.gate.rates.set("t", 0.001, "worker", "tenant")

    verdicts = [isinstance(admit(world.delivery(message(id, tenant)), world.gate), Job) for id, tenant in ("1a", "2b", "3a")]

    assert [True, True, False] == verdicts


def test_arguments_that_do_not_fit_do_not_stop_the_worker(world):
    world.task(lambda tenant: 1)
    world.gate.rates.set("t", 1.0, "worker", "tenant")

    assert isinstance(admit(world.delivery(message("1", "a", "b", "c")), world.gate), Job)


def test_a_limit_of_the_cluster_is_asked_of_the_store(world):
    world.task(lambda: 1)
    asked = []
    world.gate.rates.store = lambda key, space, slack: asked.append((key, space)) or world.clock.now() + 0.5
    world.gate.rates.set("t", 4.0, CLUSTER)

    effects = admit(world.delivery(message()), world.gate)

    assert [("t", 0.25)] == asked
    assert world.clock.now() + 0.5 <= effects.settlement.until


@pytest.mark.parametrize(
    ("key", "text"),
    [("tenant", "acme"), ("order.tenant", "inner"), ("missing", "None"), ("order.no.such", "None"), (lambda *args, **kwargs: len(args), "2")],
)
def test_keys_are_arguments_or_parts_of_them_or_functions_of_them(key, text):
    assert text == key_text(key, {"tenant": "acme", "order": {"tenant": "inner"}}, (1, 2), {})
