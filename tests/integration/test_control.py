"""Remote control: what workers answer, and what they do when they are told."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac.wire.control import Command, encode_command
from tests.harness.project import Project
from tests.harness.waiting import eventually

MODULE = Path(__file__).parents[1] / "harness" / "sample" / "controlled.py"
MakeProject = Callable[..., Project]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one worker of two processes that the tests of this module share."""
    project = Project(tmp_path_factory.mktemp("control"), module=MODULE)
    project.worker("-c", "2")
    yield project
    project.close()


@pytest.fixture
def own(make_project: MakeProject) -> Project:
    """A project of this test's own."""
    return make_project(module=MODULE)


def begun(project: Project, *results: Any) -> None:
    """Wait until these tasks have begun."""
    for result in results:
        project.ledger.wait_for("begin", task_id=result.id)


def node(project: Project) -> str:
    return f"w1@{os.uname().nodename}"


def ask(project: Project, command: str, **arguments: Any) -> Any:
    """Ask the one worker of a project."""
    (reply,) = project.client.control.broadcast(command, arguments=arguments, reply=True, limit=1, timeout=5)
    (answer,) = reply.values()
    return answer


def test_a_ping_is_answered_within_100_ms_while_all_processes_are_busy(place: Project) -> None:
    running = place.send_many("early", 2, 1.5)
    begun(place, *running)
    times = []

    for _ in range(20):
        began = time.monotonic()
        assert place.client.control.ping(limit=1) == [{node(place): {"ok": "pong"}}]
        times.append(time.monotonic() - began)

    assert sorted(times)[18] < 0.1


def test_what_runs_and_what_waits_is_told_in_celerys_shapes(place: Project) -> None:
    running = place.send("early", 1.0)
    delayed = place.send("add", 1, 2, countdown=100)
    place.ledger.wait_for("begin", task_id=running.id)
    inspect = place.client.control.inspect(limit=1, timeout=5)

    (active,) = [each for each in inspect.active()[node(place)] if each["id"] == running.id]
    (scheduled,) = [each for each in inspect.scheduled()[node(place)] if each["request"]["id"] == delayed.id]
    found = inspect.query_task(running.id, delayed.id, "unknown")[node(place)]

    assert set(active) == {
        "id", "name", "args", "kwargs", "type", "hostname", "time_start", "acknowledged", "delivery_info", "worker_pid",
    }  # fmt: skip
    assert (active["name"], active["args"], active["kwargs"], active["acknowledged"]) == ("tasks.early", [1.0], {}, True)
    assert active["worker_pid"] in place.workers[0].task_processes()
    assert abs(time.time() - active["time_start"]) < 5
    assert active["delivery_info"] == {"exchange": "", "routing_key": "celery", "priority": 0, "redelivered": False}
    assert set(scheduled) == {"eta", "priority", "request"}
    assert scheduled["request"]["args"] == [1, 2]
    assert {task_id: state for task_id, (state, _) in found.items()} == {running.id: "active", delayed.id: "scheduled"}
    place.client.broker.purge("celery")


def test_numbers_queues_settings_and_tasks_are_told(place: Project) -> None:
    place.send("add", 1, 1).get(timeout=10)
    inspect = place.client.control.inspect(limit=1, timeout=5)
    name = node(place)

    stats = inspect.stats()[name]

    assert {"total", "pid", "clock", "uptime", "pool", "broker", "prefetch_count", "rusage"} <= set(stats)
    assert stats["total"]["tasks.add"] >= 1
    assert stats["pid"] == place.workers[0].supervisor
    assert set(place.workers[0].task_processes()) == set(stats["pool"]["processes"])
    assert stats["pool"]["max-concurrency"] == 2
    assert [queue["name"] for queue in inspect.active_queues()[name]] == ["celery"]
    assert "tasks.limited [rate_limit=20/s]" in inspect.registered()[name]
    assert "tasks.add [max_retries=3]" in inspect.registered("max_retries")[name]
    assert inspect.clock()[name]["clock"] > 0
    assert "software -> celeriac" in inspect.report()[name]["ok"]
    assert inspect.memsample()[name].endswith("MB")
    assert inspect.hello("somebody@else")[name]["revoked"] == inspect.revoked()[name]
    assert "embedded_file" in inspect.conf()[name]


def test_commands_reach_those_that_are_meant(own: Project) -> None:
    own.worker("-c", "1", "-n", "alpha@test")
    own.worker("-c", "1", "-n", "beta@test")
    control = own.client.control

    def names(**to: Any) -> set[str]:
        return set(control.inspect(timeout=0.5, **to).ping() or ())

    assert names() == {"alpha@test", "beta@test"}
    assert names(destination=["beta@test"]) == {"beta@test"}
    assert names(pattern="al*") == {"alpha@test"}
    assert names(pattern="(alpha|gamma)@", matcher="pcre") == {"alpha@test"}
    assert control.inspect(destination="alpha@test", timeout=0.5).ping() == {"ok": "pong"}
    assert control.inspect(destination=["nobody@test"], timeout=0.2).ping() is None
    assert len(control.ping(limit=1)) == 1
    began = time.monotonic()
    control.ping(destination=["alpha@test", "beta@test"], timeout=10)
    assert time.monotonic() - began < 2


def test_a_command_that_has_expired_is_not_obeyed(place: Project) -> None:
    late = encode_command(Command("rate_limit", {"task_name": "tasks.add", "rate_limit": "1/h"}, expires=time.time() - 5))
    place.client.broker.broadcast([late])

    place.workers[0].wait_log("rate_limit' came too late")
    assert "tasks.add" in place.client.control.inspect(limit=1).registered()[node(place)]


def test_programs_may_add_commands(place: Project) -> None:
    assert ask(place, "whoami") == {"ok": f"I am {node(place)}"}
    assert ask(place, "multiply", factor=7) == 42


def test_an_error_in_a_command_is_an_answer(place: Project) -> None:
    assert ask(place, "breaks") == {"error": "RuntimeError('broken command')"}
    assert ask(place, "no_such_command") == {"error": "KeyError('no_such_command')"}
    assert "missing 1 required" in ask(place, "multiply")["error"]
    assert ask(place, "ping", superfluous=1) == {"ok": "pong"}


def test_what_this_version_cannot_do_is_said(place: Project) -> None:
    assert ask(place, "pool_restart") == {"error": "ValueError('Pool restarts not enabled')"}
    assert ask(place, "autoscale", max=4, min=1) == {"error": "ValueError('Autoscale not enabled')"}


def test_one_worker_is_elected(own: Project) -> None:
    workers = [own.worker("-c", "1", "-n", f"w{n}@%h") for n in (1, 2)]
    call = own.client.signature("tasks.early", (0.0,), immutable=True)

    own.client.control.election("first", "task", call)
    refused = own.client.control.broadcast("election", {"id": "second", "topic": "tea", "action": None}, reply=True, limit=2, timeout=5)

    own.ledger.wait_for("end")
    told = ["Another node was elected for 'first'", "I won the election 'first'"]
    eventually(
        lambda: sorted([text for text in told if text in worker.log] for worker in workers) == [[text] for text in told],
        "one has won and one has lost", explain=lambda: "\n".join(worker.log for worker in workers),
    )  # fmt: skip
    assert 1 == len(own.ledger.entries("begin"))
    unknown = "ValueError(\"there is no topic 'tea' of elections: only task\")"
    assert [unknown] * 2 == [said["error"] for each in refused for said in each.values()]


def test_queues_are_added_and_cancelled(own: Project) -> None:
    own.worker("-c", "1")
    waiting = own.send("add", 1, 1, queue="other")

    assert ask(own, "add_consumer", queue="other") == {"ok": "add consumer other"}
    assert waiting.get(timeout=10) == 2
    assert ask(own, "cancel_consumer", queue="other") == {"ok": "no longer consuming from other"}
    left = own.send("add", 1, 1, queue="other")
    own.send("add", 1, 1).get(timeout=10)
    assert (left.state, own.depth("other")) == ("PENDING", 1)


def test_the_pool_grows_and_shrinks_without_ending_a_task(own: Project) -> None:
    worker = own.worker("-c", "1")
    first = own.send("early", 1.5)
    own.ledger.wait_for("begin", task_id=first.id)

    assert ask(own, "pool_grow", n=2) == {"ok": "pool will grow"}
    more = own.send_many("early", 2, 1.0)
    begun(own, *more)
    assert ask(own, "pool_shrink", n=2) == {"ok": "pool will shrink"}

    assert set(own.states([first, *more]).values()) == {"SUCCESS"}
    eventually(lambda: len(worker.task_processes()) == 1, "one process is left", explain=worker.describe)
    assert own.send("add", 2, 2).get(timeout=10) == 4
    assert "smaller than one" in ask(own, "pool_shrink", n=5)["error"]
    assert "can grow to 64" in ask(own, "pool_grow", n=500)["error"]


def test_all_processes_are_replaced_on_request(make_project: MakeProject) -> None:
    own = make_project(module=MODULE, conf={"worker_pool_restarts": True})
    worker = own.worker("-c", "3")
    before = set(worker.task_processes())
    long = own.send("early", 1.0)
    own.ledger.wait_for("begin", task_id=long.id)

    assert ask(own, "pool_restart") == {"ok": "reload started"}

    eventually(lambda: len(now := set(worker.task_processes())) == 3 and not now & before, "three new processes", explain=worker.describe)
    assert own.states([long]) == {long.id: "SUCCESS"}


def test_time_limits_change_while_the_worker_runs(own: Project) -> None:
    own.worker("-c", "1")

    assert ask(own, "time_limit", task_name="tasks.says_goodbye", soft=0.3, hard=5) == {"ok": "time limits set successfully"}

    assert own.send("says_goodbye").get(timeout=5) == "goodbye"
    assert ask(own, "time_limit", task_name="tasks.nothing", soft=1) == {"error": "unknown task"}


def test_the_pool_follows_the_load(own: Project) -> None:
    worker = own.worker("--autoscale=4,1", env={"AUTOSCALE_KEEPALIVE": "1"})
    assert len(worker.task_processes()) == 1

    tasks = own.send_many("early", 8, 1.0)
    eventually(lambda: len(worker.task_processes()) == 4, "four processes work", explain=worker.describe)
    assert ask(own, "stats")["autoscaler"]["max"] == 4
    assert "autoscale" in ask(own, "pool_grow", n=1)["error"]

    assert set(own.states(tasks).values()) == {"SUCCESS"}
    eventually(lambda: len(worker.task_processes()) == 1, "one process is left", explain=worker.describe)


def test_a_worker_shuts_down_when_told(own: Project) -> None:
    worker = own.worker("-c", "1")
    running = own.send("early", 0.5)
    own.ledger.wait_for("begin", task_id=running.id)

    own.client.control.shutdown()

    assert worker.wait_exit() == 0
    assert running.state == "SUCCESS"


@pytest.mark.parametrize("pool", ["solo", "threads", "asyncio"])
def test_workers_of_one_process_answer_while_they_work(own: Project, pool: str) -> None:
    worker = own.worker("-P", pool, "-c", "2")
    running = own.send("early", 1.0)
    own.ledger.wait_for("begin", task_id=running.id)

    began = time.monotonic()
    (active,) = ask(own, "active")

    assert time.monotonic() - began < 0.5
    assert (active["id"], active["worker_pid"]) == (running.id, worker.process.pid)
    assert (pool == "solo") == ("error" in ask(own, "pool_grow"))
    own.client.control.shutdown()
    assert worker.wait_exit() == 0


def test_remote_control_can_be_turned_off(make_project: MakeProject) -> None:
    own = make_project(module=MODULE, conf={"worker_enable_remote_control": False})
    own.worker("-c", "1")

    assert own.client.control.ping(timeout=0.3) == []


# --- the command line


def test_the_command_line_asks_and_tells(place: Project) -> None:
    ping = place.cli("-A", "tasks", "inspect", "ping")
    as_json = place.cli("-A", "tasks", "inspect", "ping", "-j", "-t", "0.5")
    told = place.cli("-A", "tasks", "control", "rate_limit", "tasks.rare", "2/h", "-d", node(place))
    custom = place.cli("-A", "tasks", "control", "multiply", "7", "-d", node(place))
    status = place.cli("status", "-A", "tasks", "-d", node(place))
    fits, fits_not = (place.cli("-A", "tasks", "status", "-p", pattern, "-t", wait) for pattern, wait in (("w?@*", "3"), ("mail-*", "0.3")))

    assert ping.stdout == f"->  {node(place)}: OK\n        pong\n\n1 node online.\n"
    assert json.loads(as_json.stdout) == {node(place): {"ok": "pong"}}
    assert told.stdout == f"->  {node(place)}: OK\n        new rate limit set successfully\n"
    assert "42" in custom.stdout
    assert status.stdout == f"->  {node(place)}: OK\n\n1 node online.\n"
    assert [(0, status.stdout), (69, "")] == [(each.returncode, each.stdout) for each in (fits, fits_not)]
    assert [each.returncode for each in (ping, as_json, told, custom, status)] == [0] * 5


def test_the_command_line_says_when_nobody_replies(place: Project) -> None:
    done = place.cli("-A", "tasks", "inspect", "ping", "-d", "nobody@nowhere", "-t", "0.2")

    assert (done.returncode, done.stderr) == (69, "Error: No nodes replied within time constraint\n")


def test_the_command_line_knows_its_commands(place: Project) -> None:
    unknown = place.cli("-A", "tasks", "inspect", "nonsense")
    listed = place.cli("-A", "tasks", "control", "--list")
    bindings = place.cli("-A", "tasks", "list", "bindings")

    assert (unknown.returncode, "Command nonsense not recognized" in unknown.stderr) == (2, True)
    assert "multiply <factor>" in listed.stdout
    assert bindings.stdout.splitlines()[2].split() == ["celery", "celery", "celery"]
