"""Whatever dies, every slot is sent exactly once, and soon."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.beats import Fleet, Report
from tests.harness.project import Project
from tests.harness.redis_server import running
from tests.harness.waiting import eventually

EVERY_SECOND = {"tick": {"task": "tasks.safe", "schedule": 1.0}}
HURRIED = {"beat_schedule": {"tick": {"task": "tasks.safe", "schedule": 0.5}}, "beat_lease": 0.6}
LATEST = 3.0
"""Seconds after which no slot may come on a machine that has time for it."""
PATIENT = 3 * LATEST
"""The same where other tests take the machine's time."""

soak = pytest.mark.skipif(not os.environ.get("CELERIAC_BEAT_SOAK"), reason="ten minutes: set CELERIAC_BEAT_SOAK=1, or run make fault")


@pytest.fixture
def fleet(make_project: Callable[..., Project]) -> Iterator[Fleet]:
    project = make_project(conf={"beat_schedule": EVERY_SECOND})
    with Fleet(project, f"sqlite:///{project.store}") as fleet:
        yield fleet


@pytest.fixture
def hurried(make_project: Callable[..., Project]) -> Iterator[Fleet]:
    project = make_project(conf=HURRIED)
    with Fleet(project, f"sqlite:///{project.store}") as fleet:
        yield fleet


@pytest.fixture
def redis_fleet(make_project: Callable[..., Project], tmp_path: Path) -> Iterator[Fleet]:
    with running(tmp_path) as server:
        url = server.new_url()
        project = make_project(conf={"beat_schedule": EVERY_SECOND, "broker_url": url})
        with Fleet(project, url) as fleet:
            yield fleet


def sent_all(fleet: Fleet, upto: float) -> Callable[[], bool]:
    return lambda: not fleet.report(until=upto).missing


def test_schedulers_whose_leader_is_killed_and_stopped_send_every_slot_once(fleet: Fleet) -> None:
    for _ in range(3):
        fleet.start()
    eventually(lambda: len(fleet.arrived) >= 2, "slots are sent", timeout=20.0, explain=fleet.describe)
    fleet.kill(fleet.leader())
    fleet.start()
    stopped = fleet.leader()
    os.kill(stopped.process.pid, signal.SIGSTOP)
    eventually(lambda: fleet.leader() is not stopped, "another one leads", timeout=20.0, explain=fleet.describe)
    before = len(fleet.arrived)
    eventually(lambda: len(fleet.arrived) >= before + 2, "it sends", timeout=20.0, explain=fleet.describe)
    os.kill(stopped.process.pid, signal.SIGCONT)
    before = len(fleet.arrived)
    eventually(lambda: len(fleet.arrived) >= before + 2, "sending goes on", timeout=20.0, explain=fleet.describe)

    upto = time.time()
    eventually(sent_all(fleet, upto), "every slot is sent", timeout=10.0, explain=fleet.describe)
    report = fleet.report(until=upto)
    assert (report.missing, report.doubled) == ([], [])
    assert report.worst < PATIENT


def kill_at(fleet: Fleet, signpost: str) -> Report:
    """Kill a scheduler at a signpost, let another one go on, and say what was sent."""
    victim = fleet.start()
    victim.kill_at(signpost)
    eventually(lambda: victim.process.poll() is not None, f"it dies at {signpost}", timeout=20.0, explain=fleet.describe)
    fleet.start()
    eventually(lambda: len(fleet.arrived) >= 2, "slots are sent", timeout=20.0, explain=fleet.describe)
    upto = time.time()
    eventually(sent_all(fleet, upto), "every slot is sent", timeout=10.0, explain=fleet.describe)
    return fleet.report(until=upto)


@pytest.mark.parametrize("signpost", ["beat.leads", "beat.reconciled", "beat.before_fire", "beat.fired"])
def test_a_scheduler_that_is_killed_at_any_point_around_firing_loses_and_doubles_nothing(hurried: Fleet, signpost: str) -> None:
    assert kill_at(hurried, signpost).doubled == []


def test_where_the_schedule_is_kept_apart_a_slot_may_be_sent_twice_under_one_id_and_is_never_lost(make_project: Callable[..., Project]) -> None:
    project = make_project(conf=HURRIED)
    store = f"sqlite:///{project.folder}/schedule.sqlite3"
    project.conf = {**HURRIED, "beat_store": store}
    with Fleet(project, f"sqlite:///{project.store}", store=store) as fleet:
        report = kill_at(fleet, "beat.published")

    assert (len(report.doubled), report.strangers) == (1, 0)


@soak
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("where", ["fleet", "redis_fleet"])
def test_ten_minutes_of_killed_leaders(where: str, request: pytest.FixtureRequest) -> None:
    fleet: Fleet = request.getfixturevalue(where)
    for _ in range(5):
        fleet.start()
    fleet.leader()
    began, stopped = time.monotonic(), None
    for round_number in range(30):
        time.sleep(max(0.0, began + 20 * (round_number + 1) - time.monotonic()))
        if stopped is not None and round_number == 12:
            os.kill(stopped.process.pid, signal.SIGCONT)
        leader = fleet.leader()
        if round_number == 10:
            stopped = leader
            os.kill(leader.process.pid, signal.SIGSTOP)
        else:
            fleet.kill(leader)
            fleet.start()

    upto = time.time()
    eventually(sent_all(fleet, upto), "every slot is sent", timeout=10.0)
    report = fleet.report(until=upto)
    print(f"\n{where}: {report.slots} slots, {len(report.missing)} missing, {len(report.doubled)} doubled, the latest {report.worst:.3f} s late")
    assert (report.missing, report.doubled, report.strangers) == ([], [], 0)
    assert report.worst < LATEST
