"""Events: what workers tell, and what the command line shows of it; over the embedded file."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.project import COMMAND, Project
from tests.harness.waiting import PATIENCE, eventually

MODULE = Path(__file__).parents[1] / "harness" / "sample" / "watched.py"
MakeProject = Callable[..., Project]


class Monitor:
    """A state that learns from a project's events in a thread."""

    def __init__(self, project: Project) -> None:
        self.events: list[dict[str, Any]] = []
        self.state = project.client.events.State(callback=lambda _state, event: self.events.append(event))
        ready = threading.Event()
        self._receiver = project.client.events.Receiver(handlers={"*": self.state.event})
        self._receiver.on_ready = ready.set
        self._thread = threading.Thread(target=self._receiver.capture, daemon=True)
        self._thread.start()
        assert ready.wait(20 * PATIENCE)

    def types(self, uuid: str) -> list[str]:
        """Return the types of what was heard about a call."""
        return [event["type"] for event in self.events if event.get("uuid") == uuid]

    def hears(self, uuid: str, kind: str) -> list[str]:
        """Wait for an event about a call; return the types of all of them."""
        eventually(lambda: kind in self.types(uuid), f"{kind} is heard", timeout=20, explain=lambda: str(self.types(uuid)))
        return self.types(uuid)

    def close(self) -> None:
        """Listen no more."""
        self._receiver.should_stop = True
        self._thread.join(10)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one worker of two processes that sends events."""
    project = Project(tmp_path_factory.mktemp("events"), module=MODULE)
    project.worker("-c", "2", "-E", "--heartbeat-interval", "0.5")
    yield project
    project.close()


@pytest.fixture
def monitor(place: Project) -> Iterator[Monitor]:
    monitor = Monitor(place)
    yield monitor
    monitor.close()


def test_a_task_that_runs_is_seen_to_have_started_before_it_ends(place: Project, monitor: Monitor) -> None:
    gate = place.folder / "gate"
    sent = place.send("wait_for", str(gate))

    assert ["task-received", "task-started"] == monitor.hears(sent.id, "task-started")
    gate.touch()

    assert ["task-received", "task-started", "task-succeeded"] == monitor.hears(sent.id, "task-succeeded")
    task = monitor.state.tasks[sent.id]
    assert ("tasks.wait_for", "SUCCESS", "None") == (task.name, task.state, task.result)
    assert task.received <= task.started <= task.succeeded
    assert [task.worker] == list(monitor.state.alive_workers())


def test_a_task_may_tell_events_of_its_own_or_none(place: Project, monitor: Monitor) -> None:
    secret = place.send("secret")
    tells = place.send("tells")

    assert "task-halfway" in monitor.hears(tells.id, "task-succeeded")
    halfway = next(event for event in monitor.events if event["type"] == "task-halfway")
    assert (50, list(monitor.state.workers)) == (halfway["done"], [halfway["hostname"]])
    secret.get(timeout=20 * PATIENCE)
    assert [] == monitor.types(secret.id)


def test_events_are_switched_while_the_worker_runs(place: Project, monitor: Monitor) -> None:
    control = place.client.control

    def switch(name: str) -> Any:
        ((answer,),) = (reply.values() for reply in getattr(control, name)(reply=True, limit=1, timeout=20 * PATIENCE))
        return answer

    assert {"ok": "task events disabled"} == switch("disable_events")
    assert {"ok": "task events already disabled"} == switch("disable_events")
    unseen = place.send("add", 1, 2)
    assert 3 == unseen.get(timeout=20 * PATIENCE)
    assert {"ok": "task events enabled"} == switch("enable_events")
    seen = place.send("add", 1, 2)

    monitor.hears(seen.id, "task-succeeded")
    assert [] == monitor.types(unseen.id)


def test_nothing_is_stored_while_nobody_listens(make_project: MakeProject) -> None:
    own = make_project(module=MODULE)
    worker = own.worker("-c", "1", "-E")
    results = own.send_many("add", 50, 1, 2)
    assert {"SUCCESS"} == set(own.states(results).values())
    worker.stop()

    with sqlite3.connect(own.store) as store:
        assert [(0,)] == store.execute("SELECT count(*) FROM celeriac_broadcast").fetchall()


@pytest.mark.parametrize("pool", ["solo", "threads", "asyncio"])
def test_workers_of_one_process_tell_the_same(make_project: MakeProject, pool: str) -> None:
    own = make_project(module=MODULE)
    monitor = Monitor(own)
    worker = own.worker("-P", pool, "-c", "2", "-E")
    sent = own.send("add", 1, 2)

    assert ["task-received", "task-started", "task-succeeded"] == monitor.hears(sent.id, "task-succeeded")
    worker.stop()
    eventually(lambda: "worker-offline" in [event["type"] for event in monitor.events], "the farewell is heard", timeout=20)
    monitor.close()


def test_the_command_line_dumps_events_and_feeds_cameras(place: Project) -> None:
    output = place.folder / "dump"
    with output.open("wb") as file:
        dump = subprocess.Popen([COMMAND, "-A", "tasks", "events", "--dump"], cwd=place.folder, env=place.env(), stdout=file, stderr=file)
        camera = ["--camera", "tasks.Counting", "--frequency", "0.1"]
        films = subprocess.Popen([COMMAND, "-A", "tasks", "events", *camera], cwd=place.folder, env=place.env(), stderr=subprocess.DEVNULL)
    pictures = place.folder / "pictures"
    try:
        eventually(lambda: "worker-heartbeat" in output.read_text(), "events are dumped", timeout=20)

        def pictured() -> bool:
            place.send("add", 20, 22)
            return pictures.exists() and "tasks.add SUCCESS" in pictures.read_text()

        eventually(pictured, "the camera has taken a picture", timeout=20)
        eventually(lambda: "result=42" in output.read_text(), "the task is dumped", timeout=20)
    finally:
        for process in (dump, films):
            process.send_signal(signal.SIGINT)
    assert [0, 0] == [process.wait(20 * PATIENCE) for process in (dump, films)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "the monitor needs a terminal"),
        (["--camera", "tasks.add"], "it is no camera"),
        (["--camera", "tasks.Nothing"], "give the path of a class"),
        (["--camera", "tasks.Counting", "--frequency", "0"], "give a number of seconds above 0"),
        (["--detach"], "service manager"),
    ],
)
def test_wrong_options_are_refused_with_the_remedy(place: Project, options: list[str], said: str) -> None:
    done = place.cli("-A", "tasks", "events", *options)

    assert (2, True) == (done.returncode, said in done.stderr), done.stderr
