"""Task processes that live and do not get on."""

from __future__ import annotations

import os
import signal
from typing import Any

from celeriac import group
from tests.harness.project import Project


def test_a_process_that_was_stopped_is_continued_and_nothing_is_lost(project: Project) -> None:
    worker = project.worker("-c", "2")
    project.states([project.send("safe") for _ in range(4)])
    stopped = worker.task_processes()

    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    worker.wait_log("was stopped by a signal", 2)
    results = [project.send("early", 0.001) for _ in range(20)]

    assert set(project.states(results, timeout=20).values()) == {"SUCCESS"}
    assert project.ledger.account(result.id for result in results).doubled == set()
    assert sorted(worker.task_processes()) == sorted(stopped)


def test_a_consumer_that_was_stopped_is_continued(project: Project) -> None:
    worker = project.worker("-c", "1")
    project.states([project.send("safe")])

    os.kill(worker.consumer(), signal.SIGSTOP)

    assert project.send("add", 2, 2).get(timeout=20) == 4


def test_jobs_behind_one_that_holds_its_process_up_go_to_another(project: Project) -> None:
    worker = project.worker("-c", "2", "worker.packet_time=0.05")
    for _ in range(2):
        # They travel many together once it is known how short they are.
        project.states(_send(project, {}))

    results = _send(project, {100: 6})
    long = results[100]
    project.states(results, timeout=30)

    assert "waited behind one that stands still" in worker.log
    assert [entry.id for entry in project.ledger.entries("end")][-1] == long.id
    assert project.ledger.count("end", [result.id for result in results]) == len(results)


def _send(project: Project, long: dict[int, int]) -> list[Any]:
    calls = [project.client.signature("tasks.holds_the_interpreter", (long.get(number, 0),)) for number in range(200)]
    results: list[Any] = group(calls).apply_async(app=project.client).results
    return results
