"""Chords while processes are killed: each ends, and no body runs twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading

import pytest

from celeriac import chord
from tests.harness.fixtures import ROUNDS
from tests.harness.project import Project
from tests.harness.worker_process import WorkerProcess

CHORDS, PARTS = 10, 20


def keep_killing(worker: WorkerProcess, role: str, stop: threading.Event, killed: list[int]) -> None:
    chance = random.Random(7)
    while not stop.wait(0.4 if role == "task process" else 1.5):
        # a process may have ended since its name was read
        with contextlib.suppress(OSError, IndexError, AssertionError):
            pids = worker.task_processes() if role == "task process" else [worker.consumer()]
            killed.append(chance.choice(pids))
            os.kill(killed[-1], signal.SIGKILL)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ["task process", "consumer"])
def test_every_chord_ends_once_while_processes_are_killed(project: Project, role: str) -> None:
    worker = project.worker("-c", "2")
    part = project.client.signature
    results = []
    for _ in range(CHORDS * ROUNDS):
        header = [part("tasks.safe", args=(0.02, n)) for n in range(PARTS)]
        results.append(chord(header, part("tasks.note_result"), app=project.client)())
    stop = threading.Event()
    killed: list[int] = []
    killer = threading.Thread(target=keep_killing, args=(worker, role, stop, killed))
    killer.start()
    try:
        states = project.states(results, timeout=240)
    finally:
        stop.set()
        killer.join()

    assert killed
    called = [entry.id for entry in project.ledger.entries("callback")]
    assert len(called) == len(set(called)), "a body ran twice"
    for result in results:
        # a body may run at most once, so a kill while it runs may lose it: then it says so
        if states[result.id] == "SUCCESS":
            assert result.get() == list(range(PARTS))
        else:
            assert type(result.get(propagate=False)).__name__ == "WorkerLostError"
    assert list(states.values()).count("SUCCESS") >= 0.8 * len(results)
