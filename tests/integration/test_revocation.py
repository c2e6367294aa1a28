"""Revoked tasks never start; terminated ones end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac import exceptions
from tests.harness.project import Project

MODULE = Path(__file__).parents[1] / "harness" / "sample" / "controlled.py"
MakeProject = Callable[..., Project]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one worker of one process that the tests of this module share."""
    project = Project(tmp_path_factory.mktemp("revocation"), module=MODULE)
    project.worker("-c", "1")
    yield project
    project.close()


@pytest.fixture
def own(make_project: MakeProject) -> Project:
    """A project of this test's own."""
    return make_project(module=MODULE)


def begun(project: Project, result: Any) -> None:
    project.ledger.wait_for("begin", task_id=result.id)


def refused(result: Any) -> str:
    """Wait until a task is revoked and return why."""
    with pytest.raises(exceptions.TaskRevokedError) as caught:
        result.get(timeout=10)
    assert result.state == "REVOKED"
    return str(caught.value)


@pytest.mark.parametrize("name", ["early", "late"])
def test_a_queued_task_that_was_revoked_never_starts(place: Project, name: str) -> None:
    running, queued, last = (place.send(name, seconds) for seconds in (0.7, 0, 0))
    begun(place, running)

    queued.revoke(wait=True)

    assert refused(queued) == "revoked"
    assert place.states([running, last]) == {running.id: "SUCCESS", last.id: "SUCCESS"}
    assert place.ledger.count("begin", [queued.id]) == 0
    place.workers[0].wait_log(rf"Discarding revoked task: tasks\.{name}\[{queued.id}\]")


def test_a_delayed_task_that_was_revoked_never_starts(place: Project) -> None:
    delayed = place.send("early", countdown=1.0)

    delayed.revoke()

    assert refused(delayed) == "revoked"
    place.workers[0].wait_log(rf"Discarding revoked task: tasks\.early\[{delayed.id}\]")
    assert place.ledger.count("begin", [delayed.id]) == 0
    place.ledger.wait_for("signal", task_id=delayed.id)


def test_many_are_revoked_at_once(place: Project) -> None:
    running = place.send("early", 0.5)
    begun(place, running)
    queued = place.send_many("early", 300)

    place.client.control.revoke([result.id for result in queued])

    assert set(place.states([running, *queued]).values()) == {"SUCCESS", "REVOKED"}
    assert place.ledger.count("begin", [result.id for result in queued]) == 0


def test_the_receivers_of_task_revoked_are_told_how(place: Project) -> None:
    running = place.send("early", 30)
    begun(place, running)

    running.revoke(terminate=True)

    assert refused(running) == "terminated"
    (entry,) = place.ledger.wait_for("signal", task_id=running.id)
    assert entry.note == ["tasks.early", True, int(signal.SIGTERM), False]


@pytest.mark.parametrize("name", ["early", "late"])
@pytest.mark.parametrize("signame", ["SIGTERM", "SIGKILL", "INT"])
def test_a_running_task_is_ended_by_a_signal(place: Project, name: str, signame: str) -> None:
    running = place.send(name, 30)
    begun(place, running)
    told = time.monotonic()

    answer = place.client.control.revoke(running.id, terminate=True, signal=signame, reply=True, limit=1)

    assert [*answer[0].values()] == [{"ok": f"terminate: {running.id}"}]
    assert refused(running) == "terminated"
    assert time.monotonic() - told < 2
    assert place.send("add", 1, 1).get(timeout=10) == 2
    assert place.ledger.count("begin", [running.id]) == 1


def test_a_task_that_hears_no_signal_is_killed_before_two_seconds_are_over(place: Project) -> None:
    running = place.send("stubborn")
    begun(place, running)
    told = time.monotonic()

    running.revoke(terminate=True)

    assert refused(running) == "terminated"
    assert time.monotonic() - told < 3


def test_the_signal_of_the_soft_limit_lets_a_task_say_goodbye(place: Project) -> None:
    running = place.send("says_goodbye")
    begun(place, running)

    running.revoke(terminate=True, signal="SIGUSR1")

    place.workers[0].wait_log(rf"tasks\.says_goodbye\[{running.id}\] succeeded")


def test_a_task_with_a_handler_of_its_own_gets_the_signal(place: Project) -> None:
    running = place.send("says_when")
    begun(place, running)

    running.revoke(terminate=True)

    place.ledger.wait_for("signalled", task_id=running.id)
    assert refused(running) == "terminated"


def test_terminating_what_does_not_run_ends_nothing_else(place: Project) -> None:
    running = place.send("early", 0.5)
    begun(place, running)

    answer = place.client.control.terminate("unknown", reply=True, limit=1)

    assert [*answer[0].values()] == [{"ok": "terminate: tasks unknown"}]
    assert place.states([running]) == {running.id: "SUCCESS"}


def test_a_group_that_is_signalled_loses_no_task(place: Project) -> None:
    """Service managers signal every process of a group; only the supervisor decides what that means."""
    running = place.send("early", 0.6)
    begun(place, running)

    for pid in place.workers[0].task_processes():
        os.kill(pid, signal.SIGTERM)

    assert place.states([running]) == {running.id: "SUCCESS"}


def test_tasks_are_revoked_by_their_stamps(place: Project) -> None:
    running = place.send("early", 0.5)
    begun(place, running)
    ours = place.send("early", stamped_headers=["tenant"], tenant="acme")
    theirs = place.send("early", stamped_headers=["tenant"], tenant="other")

    place.client.control.revoke_by_stamped_headers({"tenant": ["acme", "unknown"]}, reply=True, limit=1)

    assert refused(ours) == "revoked"
    assert place.states([theirs]) == {theirs.id: "SUCCESS"}


def test_running_tasks_are_ended_by_their_stamps(place: Project) -> None:
    running = place.send("early", 30, stamped_headers=["job"], job=7)
    begun(place, running)

    place.client.control.revoke_by_stamped_headers({"job": 7}, terminate=True, reply=True, limit=1)

    assert refused(running) == "terminated"


def test_a_worker_that_starts_later_knows_what_was_revoked(own: Project) -> None:
    queued, other = own.send("early"), own.send("early")
    own.client.control.revoke(queued.id)

    own.worker("-c", "1")

    assert refused(queued) == "revoked"
    assert own.states([other]) == {other.id: "SUCCESS"}
    assert own.ledger.count("begin", [queued.id]) == 0


def test_a_restarted_consumer_knows_what_was_revoked(own: Project) -> None:
    worker = own.worker("-c", "1")
    delayed = own.send("early", countdown=2.0)
    delayed.revoke(wait=True)

    own.workers[0].kill_at("consumer.fetched")
    own.send("add", 1, 1).get(timeout=15)

    worker.wait_log("Discarding revoked task", timeout=10)
    assert own.ledger.count("begin", [delayed.id]) == 0


def test_revoked_tasks_are_kept_in_a_file(make_project: MakeProject) -> None:
    own = make_project(module=MODULE)
    first = own.worker("-c", "1", "-n", "one@test", "--statedb", "state-%n.db")
    own.client.control.broadcast("revoke", {"task_id": "one-day"}, destination=["one@test"], reply=True)
    first.stop()
    assert (own.folder / "state-one.db").exists()

    own.worker("-c", "1", "-n", "one@test", "--statedb", "state-%n.db")

    assert own.client.control.inspect(limit=1).revoked() == {"one@test": ["one-day"]}
    later = own.send("early", task_id="one-day")
    assert refused(later) == "revoked"


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_workers_of_one_process_refuse_revoked_tasks(own: Project, pool: str) -> None:
    own.worker("-P", pool, "-c", "1")
    running = own.send("early", 0.7)
    begun(own, running)
    queued = own.send("early")

    answer = own.client.control.terminate(queued.id, reply=True, limit=1)

    assert "prefork, asyncio, gevent and eventlet can" in next(iter(answer[0].values()))["error"]
    assert own.states([running, queued]) == {running.id: "SUCCESS", queued.id: "REVOKED"}
    assert own.ledger.count("begin", [queued.id]) == 0
