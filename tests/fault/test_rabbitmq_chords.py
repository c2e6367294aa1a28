"""Chords whose parts RabbitMQ keeps, while workers are killed and connections cut: each is finished, no body is sent twice, nothing is left."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac import chord
from tests.harness.fixtures import ROUNDS, projects_with_logs
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import RabbitServer, rabbitmq
from tests.harness.rabbitmq_project import RabbitProject
from tests.harness.waiting import eventually

__all__ = ["rabbitmq"]

LONG = ROUNDS >= 20
CHORDS, PARTS, SECONDS = (20 * ROUNDS, 10, 0.02) if LONG else (20, 10, 0.04)
SAMPLE = Path(__file__).parents[1] / "harness" / "sample" / "chorded.py"


class Stage(RabbitProject):
    """Workers reach the server through a proxy, the client in the test's process directly."""

    def __init__(self, folder: Path, *, url: str, server: RabbitServer, **conf: Any) -> None:
        self.proxy = Proxy(server.port)
        super().__init__(folder, url=url.replace(f":{server.port}/", f":{self.proxy.port}/"), module=SAMPLE, **conf)
        self.client_url = url
        self.server = server

    @property
    def client(self) -> Any:
        if self._client is None:
            self._client = celeriac.Celeriac("client", set_as_current=False)
            self._client.conf.update({**self.conf, "broker_url": self.client_url})
        return self._client

    def chord(self, body: str = "gathered", *, task: str = "safe", parts: int = PARTS, seconds: float = SECONDS) -> Any:
        call = self.client.signature
        return chord([call(f"tasks.{task}", args=(seconds, n)) for n in range(parts)], call(f"tasks.{body}"), app=self.client)()

    def queues(self) -> list[str]:
        """Return the names of the queues of chords, and that of the looks."""
        listed = self.server.ctl("list_queues", "-p", self.client_url.rpartition("/")[2], "--no-table-headers", "name").split()
        return sorted(name for name in listed if name.startswith("celeriac."))

    def close(self) -> None:
        super().close()
        self.proxy.close()


@pytest.fixture
def stage(request: pytest.FixtureRequest, rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, url=rabbitmq.vhost(), server=rabbitmq)
    projects_with_logs(request).append(stage)
    try:
        yield stage
    finally:
        stage.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("where", ["chord.due", "chord.sent", "chord.body_sent"])
def test_a_chord_whose_end_is_cut_is_finished_once(stage: Stage, where: str) -> None:
    worker = stage.worker("-c", "2")
    worker.kill_at(where)

    # Parts that are acknowledged early are not delivered again: nothing but what the server keeps knows of the chord.
    result = stage.chord(task="early", parts=4, seconds=0.0)

    eventually(lambda: not (worker.signposts / f"{where}.kill").exists(), "the consumer died there", explain=worker.describe)
    assert result.get(timeout=60) == [0, 1, 2, 3]
    assert [entry.id for entry in stage.ledger.entries("late body")] == [result.id]
    eventually(lambda: stage.queues() == ["celeriac.chords.tasks"], "nothing is left", timeout=20, explain=lambda: str(stage.queues()))
    assert [entry.id for entry in stage.ledger.entries("late body")] == [result.id]


@pytest.mark.timeout(900)
def test_every_chord_is_finished_once_while_workers_are_killed_and_connections_cut(stage: Stage, figures: Any) -> None:
    lives = [stage.worker("-c", "2") for _ in range(2)]
    stop, chance = threading.Event(), random.Random(5)
    done = {"rounds": 0, "killed": 0, "cut": 0}

    def trouble() -> None:
        while not stop.wait(0.5):
            done["cut"] += stage.proxy.open
            stage.proxy.cut()
            done["rounds"] += 1
            if done["rounds"] % 4 == 0:
                doomed = lives.pop(chance.randrange(2))
                for pid in doomed.all_pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                done["killed"] += 1
                lives.append(stage.worker("-c", "2"))

    troubling = threading.Thread(target=trouble)
    troubling.start()
    try:
        late = [stage.chord("gathered") for _ in range(CHORDS // 2)]
        early = [stage.chord("gathered_once") for _ in range(CHORDS // 2)]
        values = [result.get(timeout=400 if LONG else 90) for result in late]
        _ended(stage, [result.id for result in early], 60)
    finally:
        stop.set()
        troubling.join(60)

    begun = Counter(entry.id for entry in stage.ledger.entries("body"))
    sent = {name: sum(len(worker.reached(name)) for worker in stage.workers) for name in ("chord.sent", "chord.body_sent")}
    figures("chords by messages", f"{CHORDS} of {PARTS} parts", sent, f"{begun.total()} of {len(early)} early bodies", done)
    assert done["killed"]
    # Who is killed between the two does not say any more that it has sent something; nobody else does so again.
    assert max(sent.values()) <= CHORDS
    assert values == [list(range(PARTS))] * len(late)
    assert {} == {task_id: times for task_id, times in begun.items() if times > 1}
    assert all(entry.note == list(range(PARTS)) for entry in stage.ledger.entries("body"))
    eventually(lambda: stage.queues() == ["celeriac.chords.tasks"], "nothing is left", timeout=30, explain=lambda: str(stage.queues()))


def _ended(stage: Stage, ids: list[str], timeout: float) -> None:
    """Wait until these bodies have begun, or nothing is left that could send them: one that was begun at most once may be lost with its worker."""
    deadline = time.monotonic() + timeout
    while {entry.id for event in ("body", "again") for entry in stage.ledger.entries(event)} < set(ids) and time.monotonic() < deadline:
        if stage.depth() == 0 and stage.queues() == ["celeriac.chords.tasks"]:
            return
        time.sleep(0.5)


@pytest.mark.timeout(240)
@pytest.mark.skipif(not LONG, reason="with CELERIAC_FAULT_ROUNDS=20")
def test_every_chord_is_finished_when_the_server_dies(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    server.start()
    stage = Stage(tmp_path, url=server.vhost(), server=server)
    try:
        worker = stage.worker("-c", "2")
        sent = {stage.chord(seconds=0.01).id for _ in range(20)}
        stage.ledger.wait_for("late body", 3, timeout=60)

        server.kill()
        server.start()

        begun = lambda: {entry.id for entry in stage.ledger.entries("late body")}  # noqa: E731
        eventually(lambda: begun() == sent, "all bodies have begun", timeout=60, explain=lambda: f"{len(sent - begun())}\n{worker.describe()}")
        assert all(entry.note == list(range(PARTS)) for entry in stage.ledger.entries("late body"))
        eventually(lambda: stage.queues() == ["celeriac.chords.tasks"], "nothing is left", timeout=30, explain=lambda: str(stage.queues()))
    finally:
        stage.close()
        server.stop()


@pytest.mark.timeout(120)
def test_nothing_of_a_chord_is_left_when_its_results_have_expired(rabbitmq: RabbitServer, tmp_path: Path) -> None:
    stage = Stage(tmp_path, url=rabbitmq.vhost(), server=rabbitmq, result_expires=2)
    try:
        worker = stage.worker("-c", "1")
        call = stage.client.signature
        stage.chord(seconds=0.0).get(timeout=20)
        body = call("tasks.gathered").on_error(call("tasks.noted"))
        failed = chord([call("tasks.safe", args=(0.0, 1)), call("tasks.fails", args=(0.0,))], body, app=stage.client)()
        lost = [call("tasks.safe", args=(0.0, 1)), call("tasks.safe", args=(0.0, 1)).set(queue="nobody")]
        chord(lost, call("tasks.gathered"), app=stage.client)()
        failed.get(timeout=20, propagate=False)
        os.killpg(worker.process.pid, signal.SIGKILL)

        eventually(lambda: not stage.queues(), "nothing is left", timeout=20, explain=lambda: str(stage.queues()))
    finally:
        stage.close()
