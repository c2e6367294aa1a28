from __future__ import annotations

from types import SimpleNamespace

import pytest

from celeriac.engine.refusals import admit
from celeriac.engine.time_limits import TimeLimits
from celeriac.model.effects import Job
from celeriac.model.task_message import TaskMessage


@pytest.mark.parametrize(
    ("sent", "held"),
    [((None, None), [20, 10]), ((50, 40), [20, 10]), ((7, None), [7, 10]), ((50, 3), [20, 3])],
)
def test_changed_limits_travel_with_the_job_unless_the_call_set_its_own(world, sent, held):
    task = world.task(lambda: 1, time_limit=50, soft_time_limit=40)
    world.gate.time_limits.change(task, 10, 20)

    job = admit(world.delivery(TaskMessage(task="t", id="id-1", timelimit=sent)), world.gate)

    assert isinstance(job, Job)
    assert held == job.delivery.envelope.headers["timelimit"]
    assert (20, 10) == (task.time_limit, task.soft_time_limit)


def test_what_was_declared_is_remembered_over_several_changes():
    limits, task = TimeLimits(), SimpleNamespace(name="t", time_limit=50, soft_time_limit=None)
    limits.change(task, 1, 2)
    limits.change(task, 3, 4)

    head = SimpleNamespace(task="t", timelimit=(50, None))
    envelope = SimpleNamespace(headers={"id": "x"}, replace=lambda headers: headers)
    delivery = SimpleNamespace(envelope=envelope, replace=lambda envelope: envelope)

    assert {"id": "x", "timelimit": [4, 3]} == limits.apply(delivery, head)
