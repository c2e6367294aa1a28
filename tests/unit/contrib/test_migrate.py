"""Messages that wait are moved by functions, as by the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac import Celeriac, Queue
from celeriac.contrib import migrate
from celeriac.model.errors import ImproperlyConfigured
from celeriac.model.topology import worker_direct


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Celeriac]:
    """An application with two calls that are due and one in an hour."""
    with Celeriac("moving", broker=f"sqlite:///{tmp_path / 'source.sqlite3'}", set_as_current=False) as made:
        made.send_task("proj.add", (1, 2), task_id="one")
        made.send_task("proj.mail", ("x",), task_id="two", compression="zlib")
        made.send_task("proj.add", (3, 4), task_id="three", countdown=3600)
        yield made


@pytest.fixture
def destination(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'destination.sqlite3'}"


def waiting(url: str, queue: str = "celery") -> list[str]:
    """Return the ids of the tasks that wait, delayed ones in brackets."""
    with Celeriac("looking", broker=url, set_as_current=False) as app:
        app.broker.declare([app.queues[queue]])
        due = app.broker.fetch([queue], limit=9, wait=0.01)
        held: Any = app.broker
        return [str(each.envelope.task_id) for each in due] + [f"({each.envelope.task_id})" for _, each in held.delayed([queue], limit=9)]


def test_tasks_are_copied_from_broker_to_broker_with_their_time(app: Celeriac, destination: str) -> None:
    state = migrate.migrate_tasks(app.broker_url, destination, app=app, timeout=0.01)

    assert (3, 3, "3") == (state.count, state.filtered, state.strtotal)
    assert ["one", "two", "(three)"] == waiting(destination) == waiting(app.broker_url)


def test_with_acknowledgement_they_are_taken_out(app: Celeriac, destination: str) -> None:
    migrate.migrate_tasks(app.broker_url, destination, app=app, timeout=0.01, ack_messages=True, tasks="proj.add", queues="celery:post")

    assert ["one", "(three)"] == waiting(destination, "post")
    assert ["two"] == waiting(app.broker_url)


def test_a_function_of_ones_own_sends_them(app: Celeriac, destination: str) -> None:
    seen = []

    def send(producer: Any, body: Any, message: migrate.Moved, queues: Any = None) -> None:
        seen.append((message.headers["id"], body[0], message.delivery_info["queue"]))
        migrate.republish(producer, message)

    migrate.migrate_tasks(app.broker_url, destination, migrate=send, app=app, timeout=0.01, limit=2)

    assert [("one", [1, 2], "celery"), ("two", ["x"], "celery")] == seen
    assert ["one", "two"] == waiting(destination)


def test_a_filter_says_where_to(app: Celeriac) -> None:
    def chosen(body: Any, message: migrate.Moved) -> Any:
        return {"one": ("", "first"), "two": Queue("second"), "three": True}[message.headers["id"]]

    told: list[str] = []
    state = migrate.move(chosen, routing_key="third", app=app, timeout=0.01, callback=lambda state, body, message: told.append(repr(state)))

    assert ["<State: 3 of 3 moved, 3 in all>"] == told[-1:] == [repr(state)]
    assert [["one"], ["two"], ["(three)"], []] == [waiting(app.broker_url, name) for name in ("first", "second", "third", "celery")]


def test_what_is_not_chosen_stays_in_its_order(app: Celeriac) -> None:
    state = migrate.move(lambda body, message: migrate.task_id_eq("two", body, message), exchange="", routing_key="else", app=app, timeout=0.01)

    assert (3, 1) == (state.count, state.filtered)
    assert ["one", "(three)"] == waiting(app.broker_url)


def test_a_queue_that_is_looked_through_itself_is_no_endless_task(app: Celeriac) -> None:
    state = migrate.move(lambda body, message: ("", "celery"), app=app, timeout=0.01)

    assert 3 == state.filtered
    assert ["one", "two", "(three)"] == waiting(app.broker_url)


def test_tasks_are_moved_by_id_and_by_name(app: Celeriac) -> None:
    migrate.move_task_by_id("one", "ones", app=app, timeout=0.01)
    migrate.move_by_taskmap({"proj.mail": Queue("mails")}, app=app, timeout=0.01)
    migrate.move_direct_by_id("three", "w1@host", app=app, timeout=0.01)

    assert [["one"], ["two"], ["(three)"]] == [waiting(app.broker_url, name) for name in ("ones", "mails", worker_direct("w1@host").name)]


def test_a_filter_may_stop_it(app: Celeriac) -> None:
    def stop(body: Any, message: migrate.Moved) -> Any:
        raise migrate.StopFiltering

    assert 0 == migrate.move(stop, app=app, timeout=0.01).filtered
    assert ["one", "two", "(three)"] == waiting(app.broker_url)


def test_messages_are_only_looked_at_or_thrown_away(app: Celeriac) -> None:
    seen: list[str] = []
    migrate.start_filter(app, app.broker_url, lambda body, message: seen.append(message.headers["task"]), tasks=["proj.add"], timeout=0.01)
    migrate.start_filter(app, app.broker_url, lambda body, message: True, tasks="proj.add", ack_messages=True, timeout=0.01)

    assert ["proj.add", "proj.add"] == seen
    assert ["two"] == waiting(app.broker_url)


def test_a_callback_is_called_for_some_tasks_only(app: Celeriac, capsys: pytest.CaptureFixture[str]) -> None:
    told = migrate.filter_callback(migrate.filter_status, "proj.mail")

    migrate.start_filter(app, app.broker_url, lambda body, message: True, callback=told, timeout=0.01)

    assert "2 of 3: proj.mail[two]\n" == capsys.readouterr().out


def test_true_needs_a_place(app: Celeriac) -> None:
    with pytest.raises(ImproperlyConfigured, match="exchange and routing_key have to say where to"):
        migrate.move(lambda body, message: True, app=app, timeout=0.01)
    assert ["one", "two", "(three)"] == waiting(app.broker_url)
