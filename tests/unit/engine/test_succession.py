from __future__ import annotations

from typing import Any

import pytest

from celeriac import signals
from celeriac.engine.succession import successor
from celeriac.model.effects import Job
from celeriac.model.envelope import Outgoing
from celeriac.model.outcome import Lost
from celeriac.model.task_message import TaskMessage
from celeriac.wire.task import encode_task


def outgoing(
    name: str = "next", *, serializer: str = "json", exchange: str = "", due: float | None = None, queue: str = "celery", **fields: Any
) -> Outgoing:
    envelope = encode_task(TaskMessage(task=name, id="id-2", args=(1,), **fields), serializer=serializer)
    return Outgoing(envelope, queue, exchange, 3, due)


def of(world: Any, message: Outgoing, job: Job | None = None, *, watched: bool = False) -> Job | None:
    return successor(world.job(acked=True) if job is None else job, message, world.tools, watched=watched)


def test_what_follows_becomes_a_job_as_if_it_had_been_delivered(world: Any) -> None:
    world.task(lambda x: x, "next", send_events=True)

    found = of(world, outgoing(), watched=True)

    assert found is not None
    assert (found.acked, found.received, found.hostname, found.watched, found.lost) == (True, world.clock.now(), "w@h", True, None)
    assert (found.delivery.queue, found.delivery.routing_key, found.delivery.priority, found.delivery.deliveries) == ("celery", "celery", 3, 1)
    assert [line[0] for line in world.lines] == ["received"]


@pytest.mark.parametrize(
    "message",
    [
        outgoing("unknown"), outgoing("late"), outgoing(queue="other"), outgoing(exchange="topics"), outgoing(due=5.0), outgoing(serializer="yaml"),
        outgoing(expires="2030-01-01T00:00:00+00:00"), outgoing(eta="2030-01-01T00:00:00+00:00"),
    ],
    ids=["not registered", "late", "another queue", "an exchange", "due", "not accepted", "expires", "eta"],
)  # fmt: skip
def test_what_has_to_be_decided_elsewhere_is_sent(world: Any, message: Outgoing) -> None:
    world.task(lambda x: x, "next", send_events=True)
    world.task(lambda x: x, "late", acks_late=True)

    assert of(world, message) is None
    assert world.lines == []


def test_only_a_task_that_is_acknowledged_and_was_run_has_a_successor(world: Any) -> None:
    world.task(lambda x: x, "next", send_events=True)

    assert of(world, outgoing(), world.job(acked=False)) is None
    assert of(world, outgoing(), world.job(acked=True).replace(lost=Lost("died"))) is None


def test_receivers_of_task_received_are_called_by_the_consumer(world: Any) -> None:
    world.task(lambda x: x, "next", send_events=True)
    signals.task_received.connect(receiver := (lambda **named: None), weak=False)
    try:
        assert of(world, outgoing()) is None
    finally:
        signals.task_received.disconnect(receiver)
