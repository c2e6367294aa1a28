"""Flower, unchanged, over our worker on Redis, by its HTTP interface: with real Celery's client library, and with the drop-in in its place."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rabbitmq import free_port
from tests.harness.redis_server import running
from tests.harness.requirements import lacking
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.fleet_sides import PROJECT, Fleet
from tests.interop.peer import ROOT

FLOWERS = {"celery": ROOT / ".peers" / "flower" / "bin" / "celery", "drop-in": ROOT / ".peers" / "flower-on-the-drop-in" / "bin" / "celery"}
NODE = "ours@test"

pytestmark = pytest.mark.timeout(120)


class Flower:
    """A Flower, and the worker that it shows."""

    def __init__(self, fleet: Fleet, command: Path) -> None:
        self.fleet = fleet
        fleet.heartbeats = True
        self.worker = fleet.worker("ours", "ours", "-c", "2", "-n", NODE)
        self.port = free_port()
        environment = {**fleet.environment("celery"), "FLOWER_UNAUTHENTICATED_API": "true"}
        options = ["--address=127.0.0.1", f"--port={self.port}", "--inspect_timeout=5000"]
        self.log = fleet.folder / "flower.log"
        with self.log.open("wb") as log:
            subprocess.Popen(
                [str(command), "-A", "fleet_tasks", "flower", *options], cwd=PROJECT, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def ask(self, path: str, method: str = "GET", body: Any = None, **query: Any) -> Any:
        """Call its interface; return the answer, as JSON where it is."""
        where = f"http://127.0.0.1:{self.port}/api/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if method == "GET" else json.dumps(body).encode() if body is not None else b""
        with urllib.request.urlopen(urllib.request.Request(where, data, method=method), timeout=20 * PATIENCE) as answer:
            text = answer.read().decode()
        return json.loads(text) if text[:1] in "{[" else text

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """As ``ask``, to change something."""
        return self.ask(path, "POST", body, **query)

    def ready(self) -> None:
        """Wait until it knows the worker."""
        self.worker.ready()
        eventually(self._knows, "Flower knows the worker", timeout=40, explain=lambda: self.log.read_text())

    def _knows(self) -> bool:
        try:
            return "registered" in self.ask("workers").get(NODE, {})
        except (urllib.error.URLError, OSError):
            return False

    def task(self, task_id: str) -> dict[str, Any]:
        """Return what it knows of a call."""
        try:
            found: dict[str, Any] = self.ask(f"task/info/{task_id}")
        except urllib.error.HTTPError:
            return {}
        return found

    def reaches(self, task_id: str, state: str) -> dict[str, Any]:
        """Wait until it shows a call in a state."""
        eventually(lambda: self.task(task_id).get("state") == state, f"Flower shows {state}", timeout=20, explain=lambda: str(self.task(task_id)))
        return self.task(task_id)


@pytest.fixture(scope="module", params=list(FLOWERS))
def flower(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    if not FLOWERS[request.param].exists():
        lacking("Flower is not installed: run `make flower`")
    folder = Path(tmp_path_factory.mktemp("flower"))
    with running(folder) as redis:
        fleet = Fleet(folder, redis.new_url())
        try:
            flower = Flower(fleet, FLOWERS[request.param])
            flower.ready()
            yield flower
        finally:
            fleet.close()


def test_all_about_the_worker_is_shown(flower: Flower) -> None:
    found = flower.ask("workers", refresh="true", workername=NODE)[NODE]

    for section in ("stats", "registered", "active_queues", "conf", "active", "reserved", "scheduled", "revoked"):
        assert section in found, section
    assert ["ours"] == [queue["name"] for queue in found["active_queues"]]
    assert "fleet.add" in [line.partition(" ")[0] for line in found["registered"]]
    assert 2 == found["stats"]["pool"]["max-concurrency"]
    assert "nobody" == found["conf"]["task_default_queue"]
    assert {NODE: True} == flower.ask("workers", status="true")


def test_calls_are_made_and_their_life_is_shown(flower: Flower) -> None:
    answer = flower.post("task/apply/fleet.add", {"args": [2, 3], "queue": "ours"})
    assert ("SUCCESS", 5) == (answer["state"], int(answer["result"]))
    failed = flower.post("task/async-apply/fleet.fail", {"args": ["gone"], "queue": "ours"})["task-id"]

    shown = flower.reaches(answer["task-id"], "SUCCESS")
    assert ("fleet.add", "5", NODE) == (shown["name"], shown["result"], shown["worker"])
    assert shown["received"] <= shown["started"] <= shown["succeeded"]
    failure = flower.reaches(failed, "FAILURE")
    assert "ValueError('gone', 7)" == failure["exception"]
    assert "Traceback" in failure["traceback"]
    assert {answer["task-id"], failed} <= flower.ask("tasks").keys()
    assert 5 == int(flower.ask(f"task/result/{answer['task-id']}")["result"])
    assert "fleet.add" in flower.ask("task/types")["task-types"]


def test_tasks_are_ended_and_revoked(flower: Flower) -> None:
    # A name of its own each time: this test may be tried again.
    go = flower.fleet.folder / uuid.uuid4().hex
    never = str(flower.fleet.folder / "never")
    running = flower.post("task/async-apply/fleet.hold", {"args": [never], "queue": "ours"})["task-id"]
    flower.reaches(running, "STARTED")
    assert "message" in flower.post(f"task/revoke/{running}", terminate="true", signal="SIGKILL")
    flower.reaches(running, "REVOKED")

    holds = [flower.post("task/async-apply/fleet.hold", {"args": [str(go)], "queue": "ours"})["task-id"] for _ in range(2)]
    for each in holds:
        flower.reaches(each, "STARTED")
    waits = flower.post("task/async-apply/fleet.add", {"args": [1, 1], "queue": "ours"})["task-id"]
    assert "message" in flower.post(f"task/revoke/{waits}")

    def known() -> bool:
        return waits in flower.ask("workers", refresh="true", workername=NODE)[NODE]["revoked"]

    # Flower waits for no reply: the worker has to have heard of it before it is free.
    eventually(known, "the worker knows that the task is revoked", timeout=20)
    go.touch()
    flower.reaches(waits, "REVOKED")


def test_limits_are_changed(flower: Flower) -> None:
    assert "message" in flower.post("task/rate-limit/fleet.note", workername=NODE, ratelimit="50/s")
    assert "message" in flower.post("task/timeout/fleet.note", workername=NODE, soft="20", hard="30")


def test_the_pool_and_the_queues_are_changed(flower: Flower) -> None:
    assert "message" in flower.post(f"worker/pool/grow/{NODE}", n="1")
    assert "message" in flower.post(f"worker/pool/shrink/{NODE}", n="1")
    assert "message" in flower.post(f"worker/queue/add-consumer/{NODE}", queue="more")
    found = flower.ask("workers", refresh="true", workername=NODE)[NODE]
    assert ["ours", "more"] == [queue["name"] for queue in found["active_queues"]]
    assert "message" in flower.post(f"worker/queue/cancel-consumer/{NODE}", queue="more")


def test_the_worker_is_shut_down(flower: Flower) -> None:
    """The last test of this file: the worker is gone then."""
    assert "message" in flower.post(f"worker/shutdown/{NODE}")

    assert 0 == flower.worker.process.wait(20 * PATIENCE)
