"""Task processes that are renewed on purpose."""

from __future__ import annotations

from collections import Counter

from tests.harness.project import Project
from tests.harness.waiting import eventually


def test_a_task_process_is_renewed_after_so_many_tasks(project: Project) -> None:
    worker = project.worker("-c", "2", "--max-tasks-per-child", "10")
    results = project.send_many("early", 100, 0.001)

    states = project.states(results)

    per_process = Counter(entry.pid for entry in project.ledger.entries("begin"))
    account = project.ledger.account(r.id for r in results)
    assert set(states.values()) == {"SUCCESS"}
    assert (account.lost, account.doubled) == (set(), set())
    assert max(per_process.values()) <= 10
    eventually(lambda: len(worker.task_processes()) == 2, "two task processes stand ready", explain=worker.describe)


def test_a_task_process_that_grew_too_big_is_renewed(project: Project) -> None:
    project.worker("-c", "1", "--max-memory-per-child", "150000")
    first = project.send("early")
    first.get(timeout=10)
    project.send("repeat", "m", 200_000_000, ignore_result=True)
    last = project.send("early")
    assert last.state in ("PENDING", "SUCCESS")
    last.get(timeout=20)

    pids = {entry.pid for entry in project.ledger.entries("begin")}

    assert len(pids) == 2
