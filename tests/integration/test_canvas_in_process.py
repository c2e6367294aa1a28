"""Workflows on a worker in this process: what a random workflow does not show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from celeriac import Celeriac, chain, chord, group
from celeriac.contracts.backend import ResultBackend
from celeriac.lib.ids import uuid
from celeriac.model.errors import ChordError
from celeriac.model.record import ResultRecord
from celeriac.testing import start_worker


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
        self.replace(chord([listed.s(1), listed.s(2)], listed.s(3)))

    return app


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
