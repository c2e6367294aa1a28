"""Which worker takes what: queues, priorities, and several workers on one file."""

from __future__ import annotations

import pytest

from tests.harness.project import Project
from tests.harness.waiting import eventually

CLIENT = """
import sys
from tasks import early
for n in range({count}):
    print(early.delay(0, n).id)
"""


def test_a_worker_takes_the_queues_it_was_given(project: Project) -> None:
    project.worker("-c", "1", "-Q", "a,b")
    taken = [project.send("add", 1, 1, queue=queue) for queue in ("a", "b")]
    left = project.send("add", 1, 1)

    assert [result.get(timeout=10) for result in taken] == [2, 2]
    assert (left.state, project.depth()) == ("PENDING", 1)


def test_a_worker_leaves_the_queues_it_shall_not_take(project: Project) -> None:
    project.conf["task_queues"] = {"celery": {}, "lopri": {}}
    project.worker("-c", "1", "-X", "lopri")
    left = project.send("add", 1, 1, queue="lopri")

    assert project.send("add", 2, 2).get(timeout=10) == 4
    assert (left.state, project.depth("lopri")) == ("PENDING", 1)


def test_tasks_are_routed_by_the_settings(project: Project) -> None:
    project.conf["task_routes"] = {"tasks.add": {"queue": "sums"}}
    sent = project.python("-c", "from tasks import add; print(add.delay(1, 1).id)")
    assert sent.returncode == 0, sent.stderr
    assert project.depth("sums") == 1

    project.worker("-c", "1", "-Q", "sums")

    assert project.client.AsyncResult(sent.stdout.strip()).get(timeout=10) == 2


def test_no_queue_starves_another(project: Project) -> None:
    flood = [project.send("early", 0.005, queue="a") for _ in range(300)]
    few = [project.send("early", 0.0, queue="b") for _ in range(5)]
    project.worker("-c", "1", "-Q", "a,b")

    project.states(few)

    ended = {entry.id for entry in project.ledger.entries("end")}
    assert sum(result.id in ended for result in flood) < 150


def test_higher_priorities_are_taken_first(project: Project) -> None:
    low = [project.send("early", 0.002, priority=0) for _ in range(200)]
    high = [project.send("early", 0.002, priority=9) for _ in range(20)]
    project.worker("-c", "1")

    project.states(high)

    order = [entry.id for entry in project.ledger.entries("end")]
    last_high = max(order.index(result.id) for result in high)
    assert sum(result.id in order[:last_high] for result in low) <= 20


def test_messages_of_one_queue_begin_in_the_order_in_which_they_were_sent(project: Project) -> None:
    results = [project.send("early", 0.0, n) for n in range(300)]
    project.worker("-c", "1")

    project.states(results)

    assert [entry.id for entry in project.ledger.entries("begin")] == [result.id for result in results]


def test_two_workers_share_one_file_and_each_task_runs_once(project: Project) -> None:
    first, second = project.worker("-c", "2"), project.worker("-c", "2")
    results = project.send_many("early", 400, 0.005)

    states = project.states(results)

    account = project.ledger.account(r.id for r in results)
    assert set(states.values()) == {"SUCCESS"}
    assert (account.lost, account.doubled) == (set(), set())
    by_pid = {entry.pid for entry in project.ledger.entries("begin")}
    assert by_pid & set(first.children)
    assert by_pid & set(second.children)


@pytest.mark.timeout(180)
def test_ten_thousand_tasks_of_eight_clients_run_once_each(project: Project) -> None:
    project.worker("-c", "2")
    (project.folder / "send.py").write_text(CLIENT.format(count=1250))

    clients = [project.start_python("send.py") for _ in range(8)]
    said = [client.communicate(timeout=120)[0] for client in clients]

    ids = [line for text in said for line in text.split()]
    assert [client.returncode for client in clients] == [0] * 8, said
    assert len(set(ids)) == 10_000
    eventually(lambda: project.ledger.count("end") >= 10_000, "all have ended", timeout=60, pause=0.25, explain=project.describe)
    account = project.ledger.account(ids)
    assert (account.lost, account.doubled) == (set(), set())
    states = project.states([project.client.AsyncResult(key) for key in ids])
    assert (len(states), set(states.values())) == (10_000, {"SUCCESS"})


def test_a_worker_may_throw_away_what_waits_before_it_begins(project: Project) -> None:
    thrown = project.send("early")

    project.worker("-c", "1", "--purge")

    assert project.send("add", 1, 1).get(timeout=10) == 2
    assert project.ledger.entries("begin", thrown.id) == []
