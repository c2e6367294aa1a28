"""Ending a worker: warm, cold, and the hard way."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from tests.harness.project import Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess


def busy_worker(project: Project, task: str, seconds: float, *options: str) -> tuple[WorkerProcess, list[Any]]:
    """Start a worker of two task processes and give it six tasks; return when two of them run."""
    worker = project.worker("-c", "2", *options)
    results = project.send_many(task, 6, seconds)
    project.ledger.wait_for("begin", 2)
    return worker, results


def test_an_idle_worker_ends_at_once_with_code_zero(project: Project) -> None:
    worker = project.worker("-c", "2")
    asked = time.monotonic()

    assert worker.stop() == 0
    assert time.monotonic() - asked < 1.5
    assert project.processes() == []


def test_term_finishes_what_runs_and_returns_the_rest(project: Project) -> None:
    worker, results = busy_worker(project, "late", 0.8)

    assert worker.stop() == 0

    assert project.ledger.count("begin") == project.ledger.count("end")
    assert 2 <= project.ledger.count("end") <= 4
    assert project.depth() == 6 - project.ledger.count("end")
    assert project.processes() == []
    project.worker("-c", "2")
    assert set(project.states(results).values()) == {"SUCCESS"}
    assert (project.ledger.account(r.id for r in results).lost, project.ledger.count("begin")) == (set(), 6)


def test_warm_shutdown_loses_no_early_acknowledged_task(project: Project) -> None:
    worker, results = busy_worker(project, "early", 0.3)

    assert worker.stop() == 0
    project.worker("-c", "2")

    assert set(project.states(results).values()) == {"SUCCESS"}
    assert project.ledger.count("begin") == 6


def test_warm_shutdown_in_the_middle_of_a_flood_loses_nothing_and_doubles_nothing(project: Project) -> None:
    worker = project.worker("-c", "2")
    results = project.send_many("early", 500, 0.001)
    project.ledger.wait_for("end", 50)

    assert worker.stop() == 0
    project.worker("-c", "2")

    project.states(results)
    account = project.ledger.account(r.id for r in results)
    assert (account.lost, account.doubled) == (set(), set())


def test_the_results_of_finished_tasks_are_stored_before_the_worker_ends(project: Project) -> None:
    worker, results = busy_worker(project, "late", 0.5)

    worker.stop()

    ended = {entry.id for entry in project.ledger.entries("end")}
    stored = project.client.result_backend.load([r.id for r in results])
    assert {key for key, record in stored.items() if record.state == "SUCCESS"} == ended


def test_the_first_interrupt_is_warm(project: Project) -> None:
    worker, _ = busy_worker(project, "late", 0.5)

    worker.signal(signal.SIGINT)

    assert worker.wait_exit() == 0
    assert project.ledger.count("begin") == project.ledger.count("end")


def test_the_second_interrupt_is_cold(project: Project) -> None:
    worker, results = busy_worker(project, "late", 20)
    worker.signal(signal.SIGINT)
    worker.wait_log("(?i)shutdown")

    worker.signal(signal.SIGINT)

    worker.wait_exit(5)
    assert project.ledger.count("end") == 0
    assert project.processes() == []
    assert project.depth() == len(results)


def test_quit_is_cold_and_late_tasks_come_back_at_once(project: Project) -> None:
    worker, results = busy_worker(project, "late", 2)

    worker.signal(signal.SIGQUIT)
    worker.wait_exit(5)

    assert project.processes() == []
    assert project.depth() == len(results)
    project.worker("-c", "6")
    assert set(project.states(results).values()) == {"SUCCESS"}
    assert project.ledger.count("begin") == 8


def test_an_early_acknowledged_task_that_is_cut_off_never_runs_again(project: Project) -> None:
    worker, results = busy_worker(project, "early", 20)
    begun = {entry.id for entry in project.ledger.entries("begin")}

    worker.signal(signal.SIGQUIT)
    worker.wait_exit(5)

    assert project.depth() == len(results) - len(begun)
    assert {result.id for result in results if result.state == "FAILURE"} <= begun


def test_a_second_term_changes_nothing(project: Project) -> None:
    worker, _ = busy_worker(project, "late", 0.8)
    worker.signal(signal.SIGTERM)
    worker.wait_log("(?i)shutdown")

    worker.signal(signal.SIGTERM)

    assert worker.wait_exit() == 0
    assert project.ledger.count("begin") == project.ledger.count("end")


def test_the_grace_of_a_warm_shutdown_is_bounded(project: Project) -> None:
    project.conf["worker_shutdown_timeout"] = 0.5
    worker, results = busy_worker(project, "late", 30)
    asked = time.monotonic()

    worker.signal(signal.SIGTERM)
    worker.wait_exit(6)

    assert time.monotonic() - asked < 3.5
    assert project.processes() == []
    assert project.depth() == len(results)


def test_children_end_when_the_supervisor_is_killed(project: Project) -> None:
    worker, _ = busy_worker(project, "late", 30)

    worker.process.kill()

    worker.wait_exit()
    eventually(lambda: not project.processes(), "all its processes are gone", timeout=2, explain=lambda: str(project.processes()))


def test_a_signal_to_the_whole_group_is_a_warm_shutdown_too(project: Project) -> None:
    """A terminal sends Ctrl+C to every process of the foreground group, children included."""
    worker, _ = busy_worker(project, "late", 0.5)

    for pid in [*worker.children, worker.supervisor]:
        os.kill(pid, signal.SIGINT)

    assert worker.wait_exit() == 0
    assert project.ledger.count("begin") == project.ledger.count("end") >= 2
