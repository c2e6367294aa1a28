"""Chords whose results go by messages (``rpc://``): RabbitMQ itself keeps their parts. What faults do to them is in tests/fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac import chain, chord, group
from celeriac.drivers.rabbitmq.chord_queue import DONE, Look, look_message, mark, part_message, queue_of, size_message
from celeriac.drivers.registry import open_backend, open_broker, settler_for
from celeriac.exceptions import ChordError, OperationalError
from celeriac.lib.ids import uuid
from celeriac.model.effects import Writes
from celeriac.testing.conformance.making import ack, fetch, fetch_names, message, part, publish
from tests.harness.fixtures import projects_with_logs
from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.rabbitmq_project import RabbitProject
from tests.harness.waiting import eventually

__all__ = ["rabbitmq"]

SAMPLE = Path(__file__).parents[1] / "harness" / "sample" / "chorded.py"


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest, rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitProject]:
    project = RabbitProject(tmp_path_factory.mktemp("chords"), url=rabbitmq.vhost(), module=SAMPLE)
    projects_with_logs(request).append(project)
    project.worker("-c", "2")
    yield project
    project.close()


class Calls:
    """Signatures by short names."""

    def __init__(self, project: RabbitProject) -> None:
        self._client = project.client

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self._client.signature(f"tasks.{name}", args=args)


@pytest.fixture
def call(project: RabbitProject) -> Calls:
    return Calls(project)


def safe(call: Calls, *values: Any) -> list[Any]:
    return [call.safe(0.0, value) for value in values]


def test_the_caller_gets_the_body_and_each_part(project: RabbitProject, call: Calls) -> None:
    result = chord(safe(call, 1, 2, 3), call.gathered(), app=project.client)()

    assert result.get(timeout=20) == [1, 2, 3]
    assert result.parent.get(timeout=20) == [1, 2, 3]
    assert project.client.broker.measure(queue_of(result.parent.id)) is None


def test_the_body_of_a_nested_chord_and_a_chain_are_parts(project: RabbitProject, call: Calls) -> None:
    inner = chord(safe(call, 1, 2), call.gathered(), app=project.client)
    steps = chain(call.safe(0.0, 3), call.safe(0.0, 4).set(immutable=True))

    result = chord([inner, steps, *safe(call, 5)], call.gathered(), app=project.client)()

    assert result.get(timeout=20) == [[1, 2], 4, 5]


def test_a_group_in_a_chain_becomes_a_chord_for_the_next_step_and_its_end_goes_on(project: RabbitProject, call: Calls) -> None:
    first = call.safe(0.0, 0)
    middle = group([call.safe(0.0, n).set(immutable=True) for n in range(3)], app=project.client)

    result = chain(first, middle, call.gathered(), call.gathered(), app=project.client)()

    assert result.get(timeout=20) == [0, 1, 2]


def test_a_generator_is_sent_while_it_is_read(project: RabbitProject, call: Calls) -> None:
    result = chord((call.safe(0.0, n) for n in range(1500)), call.gathered(), app=project.client)()

    assert result.get(timeout=60) == list(range(1500))
    assert project.client.broker.measure(queue_of(result.parent.id)) is None


def test_parts_that_are_added_while_it_runs_are_waited_for(project: RabbitProject, call: Calls) -> None:
    result = chord([call.grows(3), *safe(call, "x")], call.gathered(), app=project.client)()

    assert sorted(map(str, result.get(timeout=20))) == ["-1", "0", "1", "2", "x"]


def test_a_chord_may_take_the_place_of_a_part(project: RabbitProject, call: Calls) -> None:
    result = chord([call.gives_way([1, 2]), *safe(call, 3)], call.gathered(), app=project.client)()

    assert result.get(timeout=20) == [[1, 2], 3]


def test_a_failing_part_is_named_and_the_errbacks_run_once(project: RabbitProject, call: Calls) -> None:
    parts = [call.safe(0.0, 1), call.fails(0.0), call.fails(0.0), call.safe(0.1, 2)]
    result = chord(parts, call.gathered().on_error(call.noted()), app=project.client)()

    with pytest.raises(ChordError, match=r"Dependency .* raised ValueError\('broken'\)") as caught:
        result.get(timeout=20)

    failed = {part.id for part in result.parent.results[1:3]}
    assert any(task_id in str(caught.value) for task_id in failed)
    assert result.parent.results[3].get(timeout=20) == 2
    project.ledger.wait_for("errback", task_id=result.id)
    eventually(lambda: project.client.broker.measure(queue_of(result.parent.id)) is None, "its queue is gone")
    assert len(project.ledger.entries("errback", result.id)) == 1


def test_a_revoked_part_does_not_hang_the_chord(project: RabbitProject, call: Calls) -> None:
    doomed = call.safe(0.0, 1).set(countdown=1.5)
    result = chord([doomed, *safe(call, 2)], call.gathered(), app=project.client)()
    project.client.control.revoke(result.parent.results[0].id)

    with pytest.raises(ChordError, match="TaskRevokedError"):
        result.get(timeout=30)


# --- without a worker


@pytest.fixture
def opened(rabbitmq: RabbitServer) -> Iterator[tuple[Any, Any]]:
    """A broker and the result backend on it."""
    url = rabbitmq.vhost()
    broker, backend = open_broker(url, owner="w1"), open_backend("rpc://", options={"broker_url": url})
    broker.connect()
    assert backend is not None
    backend.connect()
    yield broker, backend
    backend.close()
    broker.close()


def test_what_follows_from_a_chord_is_sent_once_however_often_it_is_written(opened: tuple[Any, Any]) -> None:
    broker, backend = opened
    settler, group_id = settler_for(broker, backend), uuid()
    backend.begin(group_id, 1, None)
    publish(broker, "unlock", "unlock")
    one, other = fetch(broker)

    for delivery in (one, one, other):
        settler.flush([Writes(ack(delivery)[0], publish=(message("body"),), once=group_id)], lambda _: [])

    assert fetch_names(broker) == ["body"]
    assert broker.measure(queue_of(group_id)) is None


def test_what_follows_from_a_chord_of_which_nothing_is_known_any_more_is_sent(opened: tuple[Any, Any]) -> None:
    broker, backend = opened

    settler_for(broker, backend).flush([Writes(publish=(message("body"),), once="expired long ago")], lambda _: [])

    assert fetch_names(broker) == ["body"]


def test_a_part_that_comes_when_its_chord_is_over_leaves_nothing(opened: tuple[Any, Any]) -> None:
    broker, backend = opened
    over = uuid()

    assert list(backend.count([part(0, group=over, size=1)])) == []

    assert broker.measure(queue_of(over)) is None


def test_two_readers_do_not_have_a_chord_at_the_same_time_and_who_dies_over_it_leaves_it_whole(opened: tuple[Any, Any]) -> None:
    broker, backend = opened
    group_id = uuid()
    backend.begin(group_id, 2, None)
    backend.chords.tell([part(0, group=group_id, size=2), part(1, group=group_id, size=2)])
    desk = backend.chords.desk.get()
    with desk.reading(group_id) as reading:
        assert reading is not None
        assert broker.measure(queue_of(group_id)) == (0, 1)
        assert list(_second(broker).due()) == []
        desk.link._socket.shutdown(2)
        with pytest.raises(OperationalError):
            reading.commit([])

    (due,) = eventually(lambda: list(_second(broker).due()), "the chord is found")

    assert [p.index for p in due.parts] == [0, 1]


def test_who_had_a_chord_looks_again_for_those_who_saw_too_little_meanwhile(opened: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    broker, backend = opened
    chords, group_id = backend.chords, uuid()
    backend.begin(group_id, 2, None)
    chords.tell([part(0, group=group_id, size=2)])
    judge, waiting = chords._due, [part(1, group=group_id, size=2)]

    def judge_while_others_write(reading: Any, look: Look) -> Any:
        found = judge(reading, look)
        if waiting:
            # The look that tells of it is made, in vain, by somebody else.
            _second(broker).chords.tell([waiting.pop()])
        return found

    monkeypatch.setattr(chords, "_due", judge_while_others_write)
    chords._need.note(group_id, 1)

    with chords.looking(chords.desk.get(), Look(group_id, 2)) as seen:
        assert seen is not None
        assert [p.index for p in seen[1].parts] == [0, 1]


def _second(broker: Any) -> Any:
    address = broker.address
    backend = open_backend("rpc://", options={"broker_url": f"amqp://{address.user}:{address.password}@{address.host}:{address.port}/{address.vhost}"})
    assert backend is not None
    return backend


def test_the_thread_that_finishes_chords_answers_the_looks_of_others(opened: tuple[Any, Any]) -> None:
    broker, backend = opened
    groups = [uuid() for _ in range(3)]
    settler = settler_for(broker, backend)
    for group_id in groups:
        backend.begin(group_id, 1, None)
    backend.chords.tell([part(0, group=group_id, size=1) for group_id in groups])

    settler.tend(lambda due: [message(f"unlock {due.group}")])
    found: list[str] = []
    try:
        eventually(lambda: found.extend(fetch_names(broker)) or len(found) >= 3, "all are finished")
    finally:
        settler.leave()

    assert sorted([*found, *fetch_names(broker)]) == sorted(f"unlock {group_id}" for group_id in groups)


def test_messages_of_chords_are_read_as_they_are_written() -> None:
    written = [size_message("g", 2), part_message(part(0), tell=True), mark(DONE, "g", durable=True), look_message(Look("g", 2), "q")]

    assert [m.envelope.headers["celeriac-chord"] for m in written] == ["size", "part", "done", "look"]
