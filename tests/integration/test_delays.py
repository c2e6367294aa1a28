"""countdown, eta and expires: held by the broker, not by a worker."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from celeriac import exceptions
from tests.harness.project import Project


def test_a_countdown_is_kept_and_not_overslept(shared: Project) -> None:
    called = time.time()
    started = shared.send("started_at", countdown=0.6).get(timeout=10)

    assert 0.6 <= started - called < 1.1


def test_an_eta_with_a_time_zone_is_kept(shared: Project) -> None:
    eta = datetime.now(UTC) + timedelta(seconds=0.5)

    started = shared.send("started_at", eta=eta).get(timeout=10)

    assert 0 <= started - eta.timestamp() < 0.5


def test_an_eta_that_has_passed_runs_at_once(shared: Project) -> None:
    eta = datetime.now(UTC) - timedelta(days=3)

    assert shared.send("add", 1, 2, eta=eta).get(timeout=10) == 3


def test_delayed_tasks_do_not_hold_up_the_others(shared: Project) -> None:
    delayed = shared.send_many("add", 50, 1, 1, countdown=60)

    assert shared.send("add", 2, 2).get(timeout=2) == 4
    assert shared.depth() == len(delayed)
    shared.client.broker.purge("celery")


def test_what_is_delayed_outlives_its_worker(project: Project) -> None:
    first = project.worker("-c", "1")
    result = project.send("add", 3, 4, countdown=1.5)
    project.send("add", 1, 1).get(timeout=10)
    first.process.kill()
    first.wait_exit()

    project.worker("-c", "1")

    assert result.get(timeout=15) == 7


def test_due_tasks_run_in_the_order_of_their_time(project: Project) -> None:
    later, sooner = project.send("started_at", countdown=0.7), project.send("started_at", countdown=0.3)
    project.worker("-c", "2")

    assert sooner.get(timeout=10) < later.get(timeout=10)


def test_an_expired_task_is_revoked_and_never_runs(project: Project) -> None:
    result = project.send("early", expires=0.05)
    time.sleep(0.1)  # the passing of time is what is tested
    worker = project.worker("-c", "1")

    with pytest.raises(exceptions.TaskRevokedError, match="expired"):
        result.get(timeout=10)

    assert result.state == "REVOKED"
    assert project.ledger.entries("begin") == []
    worker.wait_log(rf"Discarding revoked task: tasks\.early\[{result.id}\]")


def test_a_task_that_has_time_left_runs(shared: Project) -> None:
    assert shared.send("add", 1, 1, expires=60).get(timeout=10) == 2
