"""Every cell of the published acknowledgement table, provoked with a real worker and read back from the store and the ledger."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from celeriac.engine.acknowledgement_page import POLICIES, WAYS, Cell, Policy, Way, cell, markdown
from tests.harness.project import Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "acknowledgement.md"
MODULE = Path(__file__).parents[1] / "harness" / "sample" / "acknowledged.py"
DONE = ("SUCCESS", "FAILURE", "REVOKED")

BY_ITSELF = ("returns", "raises", "retries", "replaces", "ignores", "rejects", "puts_back", "soft_limit", "hard_limit", "dies", "dies_always")
LATER = ("consumer_killed", "broker_gone", "worker_killed", "warm", "soft", "soft_too_long", "cold")
LIMITS = {"soft_limit": {"soft_time_limit": 0.2}, "hard_limit": {"time_limit": 0.3}}
POLICY_COUNT = len(POLICIES)


class Seen(NamedTuple):
    """What became of one task in the end."""

    begins: int
    state: str
    error: str
    dead: str | None
    """The reason of its dead letter."""


class Stage:
    """Sends the tasks of a way, one for each policy, and lets what happens happen."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.sent: dict[tuple[str, str], Any] = {}
        self.right_after: dict[str, int] = {}
        """How many messages waited right after a worker had ended so."""

    def send(self, *ways: str) -> None:
        for way in ways:
            for policy in POLICIES:
                self.sent[policy.name, way] = self.project.send(policy.name, way, **LIMITS.get(way, {}))

    def run(self, *ways: str) -> None:
        """Send them and wait until all of them run."""
        self.send(*ways)
        ids = {self.sent[policy.name, way].id for way in ways for policy in POLICIES}
        ledger = self.project.ledger
        eventually(lambda: ledger.count("begin", ids) >= len(ids), f"all run that are to end by {ways}", timeout=30, explain=self.project.describe)

    def release(self, way: str) -> None:
        Path(f"{self.project.ledger.path}.{way}").touch()

    def wait_settled(self, *ways: str) -> None:
        """Wait until those that are to be stored are, and the queue is empty."""
        wanted = [self.sent[policy.name, way] for way in ways for policy in POLICIES if _final_state(policy, _way(way))]
        self.project.states(wanted, timeout=40)
        eventually(lambda: self.project.depth() == 0, "the queue is empty", timeout=20, explain=self.project.describe)

    def seen(self) -> dict[tuple[str, str], Seen]:
        letters = {str(letter.envelope.headers["id"]): letter.reason for letter in self.project.client.broker.dead(limit=1000)}
        found = {}
        for key, result in self.sent.items():
            state = result.state
            error = type(result.result).__name__ if state == "FAILURE" else ""
            found[key] = Seen(self.project.ledger.count("begin", [result.id]), state, error, letters.get(result.id))
        return found


def _way(name: str) -> Way:
    return next(way for way in WAYS if way.name == name)


def _final_state(policy: Policy, way: Way) -> str | None:
    """Return what is stored in the end: a second attempt returns, unless it always dies."""
    found: Cell = cell(policy, way)
    if found.again or way.name == "replaces":
        return "SUCCESS"
    return None if found.state is None else found.state.partition(" ")[0]


def _ends_by_themselves(stage: Stage) -> None:
    worker = stage.project.worker("-c", "4")
    stage.send(*BY_ITSELF)
    stage.wait_settled(*BY_ITSELF)
    assert worker.stop() == 0


def _consumer_killed_then_broker_gone_then_warm(stage: Stage) -> None:
    worker = stage.project.worker("-c", str(POLICY_COUNT))
    stage.run("consumer_killed")
    _kill_consumer(worker)
    stage.release("consumer_killed")
    stage.wait_settled("consumer_killed")
    stage.run("broker_gone")
    with _store_locked(stage.project):
        stage.release("broker_gone")
        time.sleep(1.0)
    stage.wait_settled("broker_gone")
    stage.run("warm")
    worker.signal(signal.SIGTERM)
    worker.wait_log("Warm shutdown")
    stage.release("warm")
    assert worker.wait_exit() == 0


def _kill_consumer(worker: WorkerProcess) -> None:
    before = worker.consumer()
    os.kill(before, signal.SIGKILL)
    worker.wait_signpost("worker.ready", 2)


@contextlib.contextmanager
def _store_locked(project: Project) -> Iterator[None]:
    connection = sqlite3.connect(project.store, timeout=30, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def _shut_down_softly_and_cold(stage: Stage) -> None:
    stage.project.conf["worker_soft_shutdown_timeout"] = 2.0
    worker = stage.project.worker("-c", str(2 * POLICY_COUNT))
    stage.run("soft", "soft_too_long")
    worker.signal(signal.SIGQUIT)
    worker.wait_log("Soft shutdown")
    stage.release("soft")
    assert worker.wait_exit() == 1
    stage.right_after["soft_too_long"] = stage.project.depth()
    stage.project.conf["worker_soft_shutdown_timeout"] = 0.0
    _end_of_queue(stage, "soft_too_long")
    worker = stage.project.worker("-c", str(POLICY_COUNT))
    stage.run("cold")
    worker.signal(signal.SIGQUIT)
    assert worker.wait_exit() == 1
    stage.right_after["cold"] = stage.project.depth()


def _end_of_queue(stage: Stage, way: str) -> None:
    """Let another worker run what came back."""
    worker = stage.project.worker("-c", "2")
    stage.wait_settled(way)
    worker.stop()


def _killed_whole(stage: Stage) -> None:
    worker = stage.project.worker("-c", str(POLICY_COUNT))
    stage.wait_settled("cold")
    stage.run("worker_killed")
    worker.process.kill()
    worker.wait_exit()
    stage.project.worker("-c", "2")
    stage.wait_settled("worker_killed")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything that can happen, once."""
    conf = {"task_max_deliveries": 2, "worker_lease": 2.0}
    project = Project(tmp_path_factory.mktemp("acknowledgement"), module=MODULE, conf=conf)
    try:
        stage = Stage(project)
        _ends_by_themselves(stage)
        _consumer_killed_then_broker_gone_then_warm(stage)
        _shut_down_softly_and_cold(stage)
        _killed_whole(stage)
        yield stage
    finally:
        project.close()


@pytest.fixture(scope="module")
def seen(stage: Stage) -> dict[tuple[str, str], Seen]:
    """What became of all tasks."""
    return stage.seen()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_what_the_table_says_is_what_happens(seen: dict[tuple[str, str], Seen], policy: Policy, way: Way) -> None:
    told, found = cell(policy, way), seen[policy.name, way.name]
    again = told.again or (way.name == "dies_always" and cell(policy, _way("dies")).again)

    assert (2 if again else 1, told.dead) == (found.begins, found.dead is not None), found
    assert (_final_state(policy, way) or "PENDING") == found.state
    if told.state and "`" in told.state and found.state == "FAILURE":
        assert told.state == f"FAILURE (`{found.error}`)"


@pytest.mark.parametrize("way", ["soft_too_long", "cold"])
def test_what_a_shutdown_cuts_off_waits_again_at_once(stage: Stage, way: str) -> None:
    late = [policy for policy in POLICIES if cell(policy, _way(way)).again]

    assert len(late) == stage.right_after[way]


def test_a_dead_letter_tells_how_each_attempt_died_and_what_the_process_logged_last(stage: Stage, seen: dict[tuple[str, str], Seen]) -> None:
    result = stage.sent["late", "dies_always"]
    shown = stage.project.cli("-A", "tasks", "dead", "show", result.id).stdout

    assert shown.count("signal 9 (SIGKILL), peak memory ") == 2, shown
    assert f"{result.id} is about to die" in shown
    assert "delivery 1, " in shown
    assert "delivery 2, " in shown


def test_every_way_of_the_table_is_provoked() -> None:
    assert {*BY_ITSELF, *LATER} == {way.name for way in WAYS}


def test_the_page_of_the_documentation_is_the_table() -> None:
    assert markdown() == PAGE.read_text(encoding="utf-8"), "run: python -m celeriac.engine.acknowledgement_page > docs/reference/acknowledgement.md"
