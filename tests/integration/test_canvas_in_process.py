"""Workflows on a worker in this process: what a random workflow does not show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from celeriac import Celeriac, chain, chord, group
from celeriac.contracts.backend import ResultBackend
from celeriac.lib.ids import uuid
from celeriac.model.errors import ChordError, Ignore, NotRegistered, TaskRevokedError
from celeriac.model.record import ResultRecord
from celeriac.testing import start_worker
from tests.harness.waiting import eventually


class Uncounted(ResultBackend):
    """A store that can do nothing but what each has to."""

    records: ClassVar[dict[str, ResultRecord]] = {}

    def __init__(self, url: Any, options: Any) -> None:
        pass

    def connect(self) -> None:
        pass

    def close(self) -> None:
        pass

    def store(self, records: Sequence[ResultRecord]) -> None:
        for record in records:
            if getattr(self.records.get(record.id), "state", "") != "SUCCESS":
                self.records[record.id] = record

    def load(self, ids: Collection[str]) -> Mapping[str, ResultRecord]:
        return {id: self.records[id] for id in ids if id in self.records}

    def forget(self, ids: Collection[str]) -> None:
        for id in ids:
            self.records.pop(id, None)


def make(**conf: Any) -> Celeriac:
    name = uuid()
    app = Celeriac("canvas", broker=f"memory://{name}", backend=conf.pop("backend", f"cache+memory://{name}"), set_as_current=False, **conf)

    @app.task(name="listed")
    def listed(*args: Any) -> list[Any]:
        return list(args)

    @app.task(name="takes_nothing")
    def takes_nothing() -> None:
        pass

    @app.task(name="fails")
    def fails(*args: Any) -> None:
        raise ValueError("broken")

    @app.task(name="grows", bind=True, max_retries=1)
    def grows(self: Any, again: bool = False) -> str:
        self.add_to_chord(listed.s(7))
        if again and not self.request.retries:
            raise self.retry(countdown=0)
        return "grown"

    @app.task(name="gives_way", bind=True)
    def gives_way(self: Any, *args: Any) -> None:
        raise self.replace(chord([listed.s(1), listed.s(2)], listed.s(3)))

    @app.task(name="stops")
    def stops(*args: Any) -> None:
        raise Ignore

    @app.task(name="notes", bind=True)
    def notes(self: Any, task_id: Any, tag: str = "") -> None:
        noted.append((tag, task_id))

    @app.task(name="notes_id")
    def notes_id(task_id: Any, tag: str = "") -> None:
        noted.append((tag, task_id))

    return app


noted: list[tuple[str, Any]] = []
"""What errbacks were given."""


@pytest.fixture(scope="module")
def app() -> Iterator[Celeriac]:
    made = make()
    with start_worker(made, loglevel="CRITICAL"):
        yield made
    made.close()


def s(app: Celeriac, name: str, *args: Any) -> Any:
    return app.tasks[name].s(*args)


@pytest.mark.parametrize(("again", "added"), [(False, [[7]]), (True, [[7], [7]])])
def test_a_part_adds_to_its_chord(app: Celeriac, again: bool, added: list[Any]) -> None:
    result = chord([s(app, "grows", again), s(app, "listed", 5)], s(app, "listed"))()

    assert result.get(timeout=5) == [["grown", [5], *added]]


def test_a_replaced_part_counts_when_what_replaced_it_has_ended(app: Celeriac) -> None:
    result = chord([s(app, "gives_way") | s(app, "listed", 8), s(app, "listed", 5)], s(app, "listed", 9))()

    assert result.get(timeout=5) == [[[[[[1], [2]], 3], 8], [5]], 9]


def test_an_immutable_body_gets_nothing(app: Celeriac) -> None:
    assert chord([s(app, "listed", 1)], app.tasks["listed"].si(7))().get(timeout=5) == [7]


def test_a_chain_leaves_empty_groups_out(app: Celeriac) -> None:
    assert chain(s(app, "listed", 1), group(), s(app, "listed", 2)).apply_async().get(timeout=5) == [[1], 2]
    assert chain(s(app, "listed", 1), group()).apply_async().get(timeout=5) == [1]


def test_what_is_put_behind_an_empty_group_gets_an_empty_list(app: Celeriac) -> None:
    assert (s(app, "listed", 1) | group() | s(app, "listed", 2)).apply_async().get(timeout=5) == [[], 2]
    assert (group() | s(app, "listed", 2)).apply_async().get(timeout=5) == [[], 2]


def test_progress_counts_nested_tasks(app: Celeriac) -> None:
    result = chord([chord([s(app, "listed", 1), s(app, "fails")], s(app, "listed")), s(app, "listed", 2)], s(app, "listed"))()
    with pytest.raises(ChordError):
        result.get(timeout=5)

    done = result.progress()

    assert (done.total, done.failed, done.fraction) == (5, 3, 1.0)
    assert [line.split()[0] for line in result.tree()] == ["group", "group", "SUCCESS", "FAILURE", "FAILURE", "SUCCESS", "FAILURE"]


def test_a_chord_of_a_client_whose_store_cannot_count_is_polled(app: Celeriac) -> None:
    parts = [s(app, "listed", 1).apply_async(), s(app, "listed", 2).apply_async(countdown=0.3)]
    body = s(app, "listed", 3)
    body.freeze()
    named = {"interval": 0.1, "max_retries": None, "result": [part.as_tuple() for part in parts]}

    app.send_task("celery.chord_unlock", ("a-group", dict(body)), named)

    assert app.AsyncResult(body.id).get(timeout=10) == [[[1], [2]], 3]


def test_a_store_that_cannot_count_is_polled_for_chords() -> None:
    app = make(backend=f"{__name__}:Uncounted", result_chord_retry_interval=0.1)
    with start_worker(app, loglevel="CRITICAL"):
        done = chord([s(app, "listed", 1), s(app, "listed", 2) | s(app, "listed", 3)], s(app, "listed", 4))()
        failed = chord([s(app, "listed", 1), s(app, "fails")], s(app, "listed", 4))()

        assert done.get(timeout=20) == [[[1], [[2], 3]], 4]
        with pytest.raises(ChordError, match="broken"):
            failed.get(timeout=20)
    app.close()


def test_a_body_that_cannot_be_sent_fails_and_hangs_nobody(app: Celeriac) -> None:
    for body in (s(app, "takes_nothing"), s(app, "takes_nothing") | s(app, "listed"), s(app, "listed").set(serializer="nonsense")):
        with pytest.raises(ChordError, match="Callback error"):
            chord([s(app, "listed", 1), s(app, "listed", 2)], body)().get(timeout=10)


def test_a_chord_whose_parts_cannot_be_read_fails_and_hangs_nobody(app: Celeriac) -> None:
    body = s(app, "listed", 3)
    body.freeze()

    app.send_task("celery.chord_unlock", ("a-group", dict(body)), {"parts": ["nonsense"], "kind": ["application/json", "utf-8"]})

    with pytest.raises(ChordError, match="Callback error: DecodeError"):
        app.AsyncResult(body.id).get(timeout=10)


def test_a_message_of_celerys_own_workflow_tasks_is_understood(app: Celeriac) -> None:
    header = [dict(s(app, "listed", 1)), dict(s(app, "listed", 2))]

    sent = app.send_task("celery.chord", (header, dict(s(app, "listed", 3)))).get(timeout=5)

    assert app.AsyncResult(sent[0][0]).get(timeout=5) == [[[1], [2]], 3]


def test_eager_workflows_need_no_worker() -> None:
    app = make(task_always_eager=True)
    workflow = s(app, "listed", 1) | group(s(app, "listed", 2), s(app, "listed", 3)) | s(app, "listed", 4)

    assert workflow.apply_async().get() == [[[[1], 2], [[1], 3]], 4]
    assert group(s(app, "listed", n) for n in range(2))().get() == [[0], [1]]
    called: list[str] = []

    @app.task(name="errback")
    def errback(request: Any, error: BaseException, traceback: Any) -> None:
        called.append(type(error).__name__)

    failed = chord([s(app, "listed", 1), s(app, "fails")], s(app, "listed").on_error(errback.s()))()
    with pytest.raises(ChordError, match="broken"):
        failed.get()
    assert called == ["ChordError"]


def test_the_steps_behind_one_that_is_not_run_have_ended_too(app: Celeriac) -> None:
    late = chain(s(app, "listed", 1).set(expires=-1), s(app, "listed", 2), group(s(app, "listed", 3), s(app, "listed", 4))).apply_async()
    unknown = chain(app.signature("nobody"), s(app, "listed", 2)).apply_async()

    for member in late.results:
        with pytest.raises(TaskRevokedError):
            app.AsyncResult(member.id).get(timeout=5)
    with pytest.raises(NotRegistered):
        app.AsyncResult(unknown.id).get(timeout=5)


def test_a_chain_that_stops_in_a_header_does_not_hang_the_chord(app: Celeriac) -> None:
    done = chord([chain(s(app, "stops"), s(app, "listed", 1)), s(app, "listed", 2)], s(app, "listed", 3))()
    failed = chord([chain(s(app, "stops"), group(s(app, "listed", 1), s(app, "listed", 2))), s(app, "listed", 2)], s(app, "listed", 3))()

    assert done.get(timeout=5) == [[None, [2]], 3]
    with pytest.raises(ChordError, match="has stopped its chain"):
        failed.get(timeout=5)


def test_added_parts_come_behind_lists(app: Celeriac) -> None:
    result = chord([chain(s(app, "listed", 1), group(s(app, "listed"), s(app, "listed"))), s(app, "grows")], s(app, "listed"))()

    assert result.get(timeout=5) == [[[[[1]], [[1]]], "grown", [7]]]


def test_a_task_that_runs_here_is_replaced_here(app: Celeriac) -> None:
    assert s(app, "gives_way").apply().get() == [[[1], [2]], 3]


def test_a_chord_that_fails_here_returns_its_error(app: Celeriac) -> None:
    result = chord([s(app, "listed", 1), s(app, "fails")], s(app, "listed")).apply()

    with pytest.raises(ChordError, match="ValueError"):
        result.get()


@pytest.mark.parametrize("name", ["notes", "notes_id"])
def test_an_errback_that_cannot_take_three_arguments_gets_the_id(app: Celeriac, name: str) -> None:
    result = app.tasks["fails"].apply_async(link_error=app.tasks[name].s(tag=name))
    result.get(timeout=5, propagate=False)

    eventually(lambda: (name, result.id) in noted, "the errback was called")


@pytest.mark.parametrize("parts", ["inline", "reference"])
def test_the_options_of_a_chord_reach_a_body_that_is_a_chain(parts: str) -> None:
    made = make(task_workflow_parts=parts, result_extended=True)
    body = chain(*(s(made, "listed", "x" * 400) for _ in range(5)))
    with start_worker(made, loglevel="CRITICAL", queues=["celery"]):
        sent = chord([s(made, "listed", 1)], body).apply_async(stamped_headers=["tenant"], tenant="t")
        sent.get(timeout=10)
        meta = made.result_backend.load([sent.parent.id])[sent.parent.id]

    assert b'"tenant": "t"' in bytes(meta.body) or b'"tenant":"t"' in bytes(meta.body)
    made.close()


def test_a_large_group_behind_a_step_that_is_not_run_has_ended_too() -> None:
    made = make(task_workflow_parts="reference")
    large = [chord([s(made, "listed", "x" * 800)], s(made, "listed", "x" * 800)) for _ in range(3)]
    with start_worker(made, loglevel="CRITICAL"):
        late = chain(s(made, "listed", 1).set(expires=-1), group(large)).apply_async()
        for member in late.results:
            with pytest.raises(TaskRevokedError):
                member.get(timeout=5)
    made.close()
