"""What a listener remembers."""

from __future__ import annotations

import pickle
import time
from typing import Any

import pytest

from celeriac.events import Event
from celeriac.events.state import State, Task, Worker


def told(state: State, kind: str, **fields: Any) -> None:
    state.event(Event(kind, {"hostname": "w1@h", "local_received": time.time(), "clock": 0, **fields}))


def life(state: State, uuid: str, begin: float = 100.0, name: str = "proj.add", hostname: str = "w1@h") -> None:
    """A task is sent, received, started and succeeds."""
    told(state, "task-sent", uuid=uuid, name=name, hostname="gen1@client", timestamp=begin)
    told(state, "task-received", uuid=uuid, name=name, args="(1, 2)", kwargs="{}", hostname=hostname, timestamp=begin + 1)
    told(state, "task-started", uuid=uuid, hostname=hostname, timestamp=begin + 2)
    told(state, "task-succeeded", uuid=uuid, result="3", runtime=0.5, hostname=hostname, timestamp=begin + 3)


def test_a_task_goes_through_its_states() -> None:
    state = State()
    seen = []
    for kind, fields in (
        ("task-sent", {"name": "a", "hostname": "gen1@client"}), ("task-received", {"name": "a", "args": "(1,)"}), ("task-started", {}),
        ("task-retried", {"exception": "E()"}), ("task-received", {"retries": 1}), ("task-failed", {"exception": "E()", "traceback": "T"}),
    ):  # fmt: skip
        told(state, kind, uuid="1", **fields)
        seen.append(state.tasks["1"].state)

    task = state.tasks["1"]
    assert ["PENDING", "RECEIVED", "STARTED", "RETRY", "RECEIVED", "FAILURE"] == seen
    assert ("a", "(1,)", "E()", "T", "gen1@client", True) == (task.name, task.args, task.exception, task.traceback, task.client, task.ready)
    assert task.worker is state.workers["w1@h"]
    assert "w1@h" == task.origin


def test_events_that_come_late_fill_in_and_take_nothing_back() -> None:
    state = State()
    told(state, "task-succeeded", uuid="1", result="3", timestamp=103.0)
    told(state, "task-started", uuid="1", timestamp=102.0)
    told(state, "task-received", uuid="1", name="proj.add", args="()", timestamp=101.0)

    task = state.tasks["1"]
    assert ("SUCCESS", 103.0, "proj.add", "3") == (task.state, task.timestamp, task.name, task.result)
    assert (101.0, 102.0, 103.0) == (task.received, task.started, task.succeeded)


def test_custom_events_have_a_state_of_their_own() -> None:
    state = State()
    told(state, "task-received", uuid="1", name="a")
    told(state, "task-halfway", uuid="1", done=3)

    assert "HALFWAY" == state.tasks["1"].state


def test_tasks_are_found_by_time_type_and_worker() -> None:
    state = State()
    life(state, "1", 100.0)
    life(state, "2", 200.0, name="proj.mul", hostname="w2@h")
    life(state, "3", 150.0)

    assert ["2", "3", "1"] == [uuid for uuid, _ in state.tasks_by_timestamp()]
    assert ["1", "3"] == [uuid for uuid, _ in state.tasks_by_time(limit=2, reverse=False)]
    assert ["3", "1"] == [uuid for uuid, _ in state.tasks_by_type("proj.add")]
    assert {"1", "3"} == {task.uuid for task in state.tasks_by_type["proj.add"]}
    assert ["2"] == [uuid for uuid, _ in state.tasks_by_worker("w2@h")]
    assert ["proj.add", "proj.mul"] == state.task_types()
    assert (12, 3) == (state.event_count, state.task_count)


def test_the_logical_clock_comes_before_the_time_of_day() -> None:
    state = State()
    told(state, "task-received", uuid="later", clock=9, timestamp=1.0)
    told(state, "task-received", uuid="sooner", clock=8, timestamp=2.0)

    assert ["later", "sooner"] == [uuid for uuid, _ in state.tasks_by_time()]


def test_what_was_not_heard_of_for_longest_is_forgotten() -> None:
    state = State(max_tasks_in_memory=2, max_workers_in_memory=1)
    for uuid in "123":
        life(state, uuid, hostname=f"w{uuid}@h")
    for _ in range(300):
        told(state, "task-progress", uuid="3", hostname="w3@h")

    assert ["2", "3"] == list(state.tasks)
    assert ["w3@h"] == list(state.workers)
    assert ["3", "2"] == [uuid for uuid, _ in state.tasks_by_time()]


def test_workers_come_beat_and_go() -> None:
    came: list[Worker] = []
    left: list[Worker] = []
    state = State(on_node_join=came.append, on_node_leave=left.append)

    told(state, "worker-online", freq=2, sw_ident="celeriac")
    told(state, "worker-heartbeat", freq=2, active=1, processed=7, loadavg=[1, 2, 3], pid=5)

    worker = state.workers["w1@h"]
    assert [worker] == list(state.alive_workers()) == came
    assert (7, 1, "ONLINE", "w1@h.5") == (worker.processed, worker.active, worker.status_string, worker.id)
    told(state, "worker-heartbeat", freq=2, local_received=time.time() - 100)
    worker.heartbeats = [time.time() - 5]
    assert not worker.alive
    told(state, "worker-offline")
    assert ({}, [worker]) == (dict(state.workers), left)


def test_families_are_known() -> None:
    state = State()
    told(state, "task-received", uuid="root", name="a")
    told(state, "task-received", uuid="child", name="b", root_id="root", parent_id="root")

    assert state.tasks["root"] is state.tasks["child"].parent is state.tasks["child"].root
    assert {state.tasks["child"]} == state.tasks["root"].children
    assert "root" == state.tasks["child"].as_dict()["parent"]


def test_a_camera_may_forget_what_has_ended() -> None:
    state = State()
    life(state, "done")
    told(state, "task-received", uuid="open", name="a")

    assert 2 == state.freeze_while(lambda: len(state.tasks), clear_after=True)
    assert ["open"] == list(state.tasks)
    assert 1 == state.query(lambda found: len(found.tasks))
    state.clear(ready=False)
    assert {} == dict(state.tasks)


def test_a_state_can_be_kept_in_a_file() -> None:
    state = State()
    life(state, "1")

    again = pickle.loads(pickle.dumps(state))

    assert ["1"] == [uuid for uuid, _ in again.tasks_by_type("proj.add")]
    life(again, "2", 300.0)
    assert ["2", "1"] == [uuid for uuid, _ in again.tasks_by_time()]


@pytest.mark.parametrize("event", [{"type": "worker-online"}, {"type": "task-sent", "hostname": "x"}, {"type": "elsewhere"}])
def test_events_about_nobody_are_passed_over(event: dict[str, Any]) -> None:
    seen: list[Any] = []
    state = State(callback=lambda state, found: seen.append(found["type"]))

    assert state.event(event) is None
    assert [event["type"]] == seen


def test_what_people_look_at_is_told() -> None:
    task = Task("1", args="()", result="3")

    assert {"args": "()", "result": "3"} == task.info()
    assert {"result": "3", "uuid": "1"} == task.info(["result"], extra=["uuid"])
