"""The events of a worker: what is told, and in which order; the thread is not started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from celeriac import Celeriac
from celeriac.control.state import Running
from celeriac.engine.exception_info import safe_repr
from celeriac.events import EventDispatcher
from celeriac.lib.clock import ManualClock
from celeriac.lib.ids import uuid
from celeriac.model.effects import Job
from celeriac.model.envelope import Delivery, Envelope
from celeriac.model.event import Event
from celeriac.wire.events import decode_events
from celeriac.worker.stream import UNHEARD, EventStream


class Broker:
    """Remembers what was broadcast; ``listened`` is what it says of listeners."""

    def __init__(self) -> None:
        self.listened: bool | None = True
        self.bodies: list[dict[str, Any]] = []

    def broadcast(self, outgoing: Any) -> bool | None:
        for message in outgoing:
            self.bodies += decode_events(message.envelope)
        return self.listened


class Place:
    """Runs what it is told to."""

    def __init__(self) -> None:
        self.now: list[Running] = []

    def running(self) -> list[Running]:
        return self.now


class Stage:
    """A stream with everything around it."""

    def __init__(self, app: Celeriac) -> None:
        self.broker, self.place, self.clock = Broker(), Place(), ManualClock(1000.0)
        dispatcher = EventDispatcher(app=app, hostname="w1@h", buffer_group=("task",), broker=self.broker)  # type: ignore[arg-type]
        self.held: list[Job] = []
        self.stream = EventStream(
            dispatcher=dispatcher, place=self.place, held=lambda: self.held, counts=lambda: {"a": 3}, interval=lambda: 2.0,
            accept=None, clock=self.clock,
        )  # type: ignore[arg-type]  # fmt: skip

    def turn(self) -> list[str]:
        """Let it send what it has; return the types of tasks' events in their order."""
        self.broker.bodies.clear()
        self.stream._take_line()
        self.stream._look_for_started()
        if self.stream._unsent:
            self.stream._send()
        return [body["type"] for body in self.broker.bodies if body["type"].startswith("task-")]

    def beats(self) -> int:
        """Return how many heartbeats are sent now."""
        self.broker.bodies.clear()
        self.stream._beat_if_due()
        if self.stream._unsent:
            self.stream._send()
        return len(self.broker.bodies)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Celeriac("proj", broker=f"memory://{uuid()}", set_as_current=False) as app:
        yield Stage(app)


def job(task_id: str = "1", watched: bool = True) -> Job:
    headers = {"id": task_id, "task": "proj.add", "argsrepr": "(1,)", "kwargsrepr": "{}", "retries": 0, "root_id": task_id}
    return Job(Delivery("t", "celery", Envelope(headers, b"[[1],{},{}]", "application/json", "utf-8")), 999.0, False, "w1@h", None, watched)


def ended(kind: str = "task-succeeded", task_id: str = "1", **fields: Any) -> Event:
    return Event(kind, {"uuid": task_id, **fields}, 1001.0, 1000.5)


def test_a_short_task_is_told_whole(stage: Stage) -> None:
    stage.stream.received([job(), job("2", watched=False)])
    stage.stream.tell([ended(result="1", runtime=0.5)])

    assert ["task-received", "task-started", "task-succeeded"] == stage.turn()
    assert [999.0, 1000.5, 1001.0] == [body["timestamp"] for body in stage.broker.bodies]
    assert [1, 2, 3] == [body["clock"] - stage.broker.bodies[0]["clock"] + 1 for body in stage.broker.bodies]


def test_a_long_task_is_told_to_have_started_once(stage: Stage) -> None:
    stage.stream.received([job()])
    stage.place.now = [Running(job(), 999.5, 7)]
    assert ["task-received", "task-started"] == stage.turn()
    stage.clock.advance(5)
    assert [] == stage.turn()
    stage.stream.tell([ended()])
    assert ["task-succeeded"] == stage.turn()


def test_the_next_try_may_be_received_before_the_end_of_the_last_is_told(stage: Stage) -> None:
    stage.stream.received([job()])
    stage.stream.received([job()])
    stage.stream.tell([ended("task-retried", exception=safe_repr(KeyError()), traceback="")])
    stage.stream.tell([ended("task-failed")])

    assert ["task-received", "task-received", "task-started", "task-retried", "task-started", "task-failed"] == stage.turn()


def test_what_was_revoked_did_not_start_unless_it_was_terminated(stage: Stage) -> None:
    stage.stream.received([job(), job("2")])
    stage.stream.tell([ended("task-revoked", terminated=False), ended("task-revoked", "2", terminated=True)])

    assert ["task-received", "task-received", "task-revoked", "task-started", "task-revoked"] == stage.turn()


def test_what_was_given_back_is_forgotten(stage: Stage) -> None:
    stage.stream.received([job(), job("2")])
    stage.held = [job("2")]
    for _ in range(20):
        stage.turn()
        stage.clock.advance(1)

    assert {"2": 1} == stage.stream._waiting


def test_heartbeats_are_rare_while_nobody_listens(stage: Stage) -> None:
    assert 1 == stage.beats()
    assert 0 == stage.beats()
    stage.clock.advance(2.0)
    stage.broker.listened = False
    assert 1 == stage.beats()
    stage.clock.advance(UNHEARD - 1)
    assert 0 == stage.beats()
    stage.broker.listened = True
    stage.stream.beat()
    assert 1 == stage.beats()
    assert (3, 0, 2.0) == tuple(stage.broker.bodies[0][key] for key in ("processed", "active", "freq"))
    stage.clock.advance(2.0)
    assert 1 == stage.beats()
