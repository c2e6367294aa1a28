"""Rate limits: how often tasks of a worker start, and that nobody else waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

MODULE = Path(__file__).parents[1] / "harness" / "sample" / "controlled.py"
MakeProject = Callable[..., Project]


@pytest.fixture
def own(make_project: MakeProject) -> Project:
    return make_project(module=MODULE)


def starts(project: Project, results: list[Any]) -> list[float]:
    """Return when these tasks started, in order."""
    wanted = {result.id for result in results}
    return sorted(entry.at for entry in project.ledger.entries("begin") if entry.id in wanted)


def most_in_a_second(moments: list[float]) -> int:
    """Return the most starts in any second."""
    return max(sum(1 for other in moments if moment <= other < moment + 1.0) for moment in moments)


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
def test_a_limited_task_starts_as_often_as_its_limit_says(own: Project, pool: str) -> None:
    own.worker("-P", pool, "-c", "2")
    tasks = own.send_many("limited", 50)

    assert set(own.states(tasks).values()) == {"SUCCESS"}

    moments = starts(own, tasks)
    assert 50 == len(moments)
    assert 2.3 < moments[-1] - moments[0] < 3.2
    assert most_in_a_second(moments) <= 22


def test_limited_tasks_hold_back_nobody_and_occupy_no_process(own: Project) -> None:
    own.worker("-c", "1")
    rare = own.send_many("rare", 500)
    eventually(lambda: own.ledger.count("begin", [result.id for result in rare]) == 1, "the first has started")

    delays = []
    for _ in range(20):
        called = time.time()
        delays.append(own.send("free").get(timeout=10) - called)

    assert sorted(delays)[18] < 0.05
    assert own.depth() == 499
    (reply,) = own.client.control.broadcast("reserved", reply=True, limit=1)
    assert [*reply.values()] == [[]]


def test_a_changed_limit_is_in_force_within_a_second(own: Project) -> None:
    own.worker("-c", "1")
    tasks = own.send_many("rare", 100)
    ids = [result.id for result in tasks]
    eventually(lambda: own.ledger.count("begin", ids) == 1, "the first has started")

    changed = time.time()
    own.client.control.rate_limit("tasks.rare", "50/s")
    eventually(lambda: own.ledger.count("begin", ids) > 10, "others start", timeout=1.5)
    assert set(own.states(tasks, timeout=10).values()) == {"SUCCESS"}

    moments = starts(own, tasks)
    assert 1.7 < moments[-1] - changed < 4
    assert most_in_a_second(moments[1:]) <= 53


def test_a_limit_that_is_taken_away_holds_back_nobody(own: Project) -> None:
    own.worker("-c", "1")
    tasks = own.send_many("rare", 50)
    eventually(lambda: own.ledger.count("begin", [result.id for result in tasks]) == 1, "the first has started")

    own.client.control.rate_limit("tasks.rare", 0)

    assert set(own.states(tasks, timeout=5).values()) == {"SUCCESS"}


def test_rate_limits_can_be_turned_off(make_project: MakeProject) -> None:
    own = make_project(module=MODULE, conf={"worker_disable_rate_limits": True})
    own.worker("-c", "1")

    assert set(own.states(own.send_many("rare", 20), timeout=5).values()) == {"SUCCESS"}


def test_a_limit_that_makes_no_sense_is_named_at_start(make_project: MakeProject) -> None:
    own = make_project(module=MODULE, conf={"task_annotations": {"tasks.add": {"rate_limit": "many"}}})
    worker = own.worker("-c", "1", ready=False)

    assert worker.wait_exit() != 0
    worker.wait_log(r"tasks\.add: a rate limit is a number with /s, /m or /h, not 'many'")


def test_two_workers_keep_their_limits_each(own: Project) -> None:
    own.worker("-c", "1")
    own.worker("-c", "1")
    tasks = own.send_many("limited", 160)

    own.states(tasks)

    moments = starts(own, tasks)
    assert 160 == len(moments)
    assert 3.7 < moments[-1] - moments[0] < 5.5
    assert most_in_a_second(moments) <= 44


def test_all_workers_together_keep_a_limit_of_the_cluster(own: Project) -> None:
    for _ in range(4):
        own.worker("-c", "1")
    tasks = own.send_many("shared", 160)

    own.states(tasks)

    moments = starts(own, tasks)
    assert 160 == len(moments)
    assert most_in_a_second(moments) <= 42
    assert 3.8 < moments[-1] - moments[0] < 6.0


def test_each_key_has_a_limit_of_its_own(own: Project) -> None:
    own.worker("-c", "1")
    own.worker("-c", "1")
    tasks = [own.send("by_tenant", number, kwargs={"tenant": tenant}) for number in range(25) for tenant in ("a", "b", "c")]
    called = time.time()
    free = own.send("free").get(timeout=10)

    own.states(tasks)

    assert free - called < 0.5
    for tenant in "abc":
        moments = [entry.at for entry in own.ledger.entries("begin") if entry.note == tenant]
        assert 25 == len(moments)
        assert most_in_a_second(sorted(moments)) <= 12
        assert 2.2 < max(moments) - min(moments) < 4.5


def test_a_limit_of_the_cluster_is_changed_in_all_workers(own: Project) -> None:
    for _ in range(3):
        own.worker("-c", "1")
    tasks = own.send_many("shared", 300)
    eventually(lambda: own.ledger.count("begin") > 20, "some have started")

    own.client.control.rate_limit("tasks.shared", "200/s", reply=True, limit=3)
    changed = time.time()
    own.states(tasks, timeout=15)

    moments = starts(own, tasks)
    assert most_in_a_second(moments) <= 206
    assert moments[-1] - changed < 4
