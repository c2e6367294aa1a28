"""Long runs under constant disturbance; short here, as long as the project's bars ask for in ``make soak``.

CELERIAC_SOAK_SECONDS is how long workers are restarted in turn, CELERIAC_SOAK_TASKS how many tasks run while task processes are killed and stopped.
Figures are printed (pytest -s) and written beside the ledger.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from celeriac import group
from tests.harness.project import Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

SECONDS = float(os.environ.get("CELERIAC_SOAK_SECONDS", "6"))
TASKS = int(os.environ.get("CELERIAC_SOAK_TASKS", "2000"))
FULL = SECONDS > 60

WORKERS = 4
GRACE = 5.0 if FULL else 1.5
EVERY = 10.0 if FULL else 2.0
RATE = 300 if FULL else 60
LONGEST = 20.0 if FULL else 3.0
BATCH = 2_000
STALL = 5.0


def told(project: Project, name: str, figures: dict[str, Any]) -> None:
    """Print figures and keep them."""
    print(f"\n{name}: {json.dumps(figures)}")
    (project.folder / f"{name}.json").write_text(json.dumps(figures))


def states_of(project: Project, ids: Iterable[str]) -> dict[str, str]:
    """Return the states of many tasks; what has none is PENDING."""
    wanted = list(ids)
    found: dict[str, str] = dict.fromkeys(wanted, "PENDING")
    for at in range(0, len(wanted), 5_000):
        found |= {key: record.state for key, record in project.client.result_backend.load(wanted[at : at + 5_000]).items()}
    return found


# --- a rolling restart


class Load(threading.Thread):
    """Sends tasks of mixed length, half of them acknowledged late."""

    def __init__(self, project: Project) -> None:
        super().__init__(name="load", daemon=True)
        self._project = project
        self._random = random.Random(7)
        self._ended = threading.Event()
        self.late: set[str] = set()
        self.early: set[str] = set()

    def run(self) -> None:
        begun, sent = time.monotonic(), 0
        while not self._ended.is_set():
            while sent < (time.monotonic() - begun) * RATE:
                late = self._random.random() < 0.5
                result = self._project.send("safe" if late else "early", self._seconds())
                (self.late if late else self.early).add(result.id)
                sent += 1
            self._ended.wait(0.01)

    def _seconds(self) -> float:
        share = self._random.random()
        if share < 0.97:
            return 0.01
        return self._random.uniform(0.1, 1.0) if share < 0.995 else self._random.uniform(1.0, LONGEST)

    def end(self) -> None:
        self._ended.set()
        self.join(60)


class Fleet:
    """Workers that are restarted in turn: TERM, a grace, KILL. Every second one ends by itself within the grace, cold if it has to."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.workers = [self._start(number) for number in range(WORKERS)]
        self.killed: list[float] = []
        self.statuses: Counter[int] = Counter()

    def _start(self, number: int) -> WorkerProcess:
        bounded = [f"worker.shutdown_timeout={GRACE * 0.6:g}"] if number % 2 else []
        return self._project.worker("-c", "12" if FULL else "4", "-n", f"w{number}@%h", *bounded)

    def restart(self, number: int) -> None:
        worker = self.workers[number]
        worker.signal(signal.SIGTERM)
        try:
            status = worker.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            self.killed.append(time.time())
            status = worker.wait_exit()
        self.statuses[status] += 1
        self.workers[number] = self._start(number)


@pytest.mark.timeout(SECONDS * 3 + 200)
def test_a_rolling_restart_loses_nothing_and_repeats_only_what_it_interrupted(make_project: Callable[..., Project]) -> None:
    project = make_project(conf={"worker_lease": 3.0})
    fleet, load = Fleet(project), Load(project)
    load.start()
    ends, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < ends:
        begun = time.monotonic()
        fleet.restart(number % WORKERS)
        number += 1
        time.sleep(max(0.0, EVERY - (time.monotonic() - begun)))
    load.end()

    def done() -> bool:
        return "PENDING" not in states_of(project, load.late).values()

    eventually(done, "all late tasks are done", timeout=90, pause=0.5, explain=project.describe)
    eventually(lambda: project.depth() == 0, "the queue is empty", timeout=30, explain=project.describe)
    # Early ones that were cut off by KILL are told of when the lease has run out; what still runs is waited for, as long as the longest takes.
    deadline = time.monotonic() + LONGEST + 12.0
    while time.monotonic() < deadline and "PENDING" in states_of(project, load.early).values():
        time.sleep(0.2)
    _account_for_the_restarts(project, fleet, load)


def _account_for_the_restarts(project: Project, fleet: Fleet, load: Load) -> None:
    begins, ends = defaultdict[str, int](int), defaultdict[str, list[float]](list)
    for entry in project.ledger.entries():
        if entry.event == "begin":
            begins[entry.id] += 1
        else:
            ends[entry.id].append(entry.at)
    states = states_of(project, load.late | load.early)
    cut_off = {key for key in load.early if not ends[key]}
    again = Counter(begins[key] for key in load.late)
    # An end that was written down, but not yet reported when its worker was killed.
    unreported = {key for key in load.late if len(ends[key]) > 1 and any(0 <= at - ends[key][0] < 2.0 for at in fleet.killed)}
    figures = {
        "seconds": SECONDS, "late": len(load.late), "early": len(load.early), "statuses": dict(fleet.statuses), "killed": len(fleet.killed),
        "late_lost": sum(1 for key in load.late if not ends[key]), "late_begins": dict(again), "late_ended_twice": len(unreported),
        "early_lost": sum(1 for key in load.early if not begins[key]), "early_doubled": sum(1 for key in load.early if begins[key] > 1),
        "early_cut_off": len(cut_off), "early_cut_off_and_told": sum(1 for key in cut_off if states[key] == "FAILURE"),
    }  # fmt: skip
    told(project, "rolling_restart", figures)
    assert {"SUCCESS"} == {states[key] for key in load.late}
    assert (0, 0, 0) == (figures["late_lost"], figures["early_lost"], figures["early_doubled"])
    assert {"SUCCESS"} >= {states[key] for key in load.early - cut_off}
    assert figures["early_cut_off"] == figures["early_cut_off_and_told"]
    assert set() == {key for key in load.late if len(ends[key]) > 1} - unreported


# --- processes that are killed and stopped


class Growth(threading.Thread):
    """Watches a file that grows while tasks end, and notes the longest time for which it did not."""

    def __init__(self, path: Path, counts: Callable[[], bool]) -> None:
        super().__init__(name="growth", daemon=True)
        self._path = path
        self._counts = counts
        self.longest = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        size, since = 0, time.monotonic()
        while not self.ended.wait(0.05):
            now, found = time.monotonic(), self._path.stat().st_size
            if found != size or not self._counts():
                size, since = found, now
            self.longest = max(self.longest, now - since)


class Trouble(threading.Thread):
    """Kills and stops task processes, and now and then stops the consumer; nobody continues them."""

    def __init__(self, worker: WorkerProcess) -> None:
        super().__init__(name="trouble", daemon=True)
        self._worker = worker
        self._random = random.Random(11)
        self.ended = threading.Event()
        self.done: Counter[str] = Counter()

    def run(self) -> None:
        consumer = self._worker.consumer()
        while not self.ended.wait(self._random.uniform(0.1, 0.5)):
            number = self._random.choice((signal.SIGKILL, signal.SIGSTOP))
            children = [pid for pid in self._worker.children if pid != consumer]
            pid = consumer if self._random.random() < 0.02 or not children else self._random.choice(children)
            if pid == consumer:
                number = signal.SIGSTOP
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
            self.done[f"{number.name}{' of the consumer' if pid == consumer else ''}"] += 1


@pytest.mark.timeout(max(120.0, TASKS / 200))
def test_tasks_flow_on_while_processes_are_replaced_killed_and_stopped(project: Project) -> None:
    worker = project.worker("-c", "4", "--max-tasks-per-child", "50")
    ids: dict[str, list[str]] = {"safe": [], "early": []}
    _send(project, ids, BATCH)
    trouble = Trouble(worker)
    growth = Growth(project.ledger.path, lambda: project.depth() > 0)
    begun = time.monotonic()
    growth.start()
    trouble.start()
    while sum(map(len, ids.values())) < TASKS:
        _send(project, ids, BATCH)
        eventually(lambda: project.depth() < 5 * BATCH, "tasks flow", timeout=60, pause=0.05, explain=project.describe)
    eventually(lambda: project.depth() == 0, "the queue is empty", timeout=120, pause=0.1, explain=project.describe)
    trouble.ended.set()
    growth.ended.set()
    seconds = time.monotonic() - begun
    sent = [*ids["safe"], *ids["early"]]
    missing = set(sent)

    def all_told() -> bool:
        missing.difference_update(key for key, state in states_of(project, missing).items() if state in ("SUCCESS", "FAILURE"))
        return not missing

    eventually(all_told, "all tasks are accounted for", timeout=60, pause=0.5, explain=lambda: f"{len(missing)} are not\n{project.describe()}")
    states = states_of(project, sent)
    begins = Counter(entry.id for entry in project.ledger.entries("begin"))
    figures = {
        "tasks": len(sent), "seconds": round(seconds, 1), "rate": round(len(sent) / seconds), "longest_stall": round(growth.longest, 2),
        "done": dict(trouble.done), "late": dict(Counter(states[key] for key in ids["safe"])),
        "early": dict(Counter(states[key] for key in ids["early"])), "late_again": sum(1 for key in ids["safe"] if begins[key] > 1),
        "early_again": sum(1 for key in ids["early"] if begins[key] > 1), "never_begun": sum(1 for key in sent if not begins[key]),
    }  # fmt: skip
    told(project, "killed_and_stopped", figures)
    assert {"SUCCESS"} == {states[key] for key in ids["safe"]}
    assert 0 == figures["early_again"]
    assert growth.longest < STALL


def _send(project: Project, ids: dict[str, list[str]], count: int) -> None:
    calls = [project.client.signature(f"tasks.{name}", (0,)) for name in ("safe", "early") for _ in range(count // 2)]
    results = group(calls).apply_async(app=project.client).results
    ids["safe"] += [result.id for result in results[: count // 2]]
    ids["early"] += [result.id for result in results[count // 2 :]]
