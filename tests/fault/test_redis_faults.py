"""A worker on Redis while its connections are cut, killed, silenced and slowed: it goes on, nothing is lost, nothing is done again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import celeriac
from celeriac.drivers.registry import settler_for
from celeriac.lib.clock import SystemClock
from celeriac.worker.intake import Intake
from celeriac.worker.options import resolve
from celeriac.worker.outbox import Outbox
from celeriac.worker.parts import Parts
from tests.harness.fixtures import ROUNDS
from tests.harness.proxy import Proxy
from tests.harness.redis_project import Footprint, Load, RedisProject, Witness, resumed, toll
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

CUTS = 10 * ROUNDS
SILENCE = 60.0 if ROUNDS >= 20 else 5.0
"""How long (seconds) nothing passes; the lease is shorter in the short run as well."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def url(server: RedisServer) -> str:
    return server.new_url()


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def at(server: RedisServer, url: str) -> Callable[[], Any]:
    return lambda: redis.Redis.from_url(url)


@pytest.fixture
def project(url: str, proxy: Proxy, make_redis_project: Callable[..., RedisProject]) -> RedisProject:
    """Its workers go through the proxy, its client does not."""
    return make_redis_project(url=f"redis://127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}", client_url=url)


def test_each_kind_of_connection_may_be_killed_at_any_time(project: RedisProject, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    client = at()
    with Witness(at) as witness, Load(project) as load:
        took = [resumed(project)]
        for kind in ("normal", "pubsub", "normal", "pubsub") * ROUNDS:
            client.client_kill_filter(_type=kind, skipme=True)
            took.append(resumed(project))
        for one in [c for c in client.client_list() if c["cmd"] != "client|list"]:
            client.client_kill_filter(_id=one["id"])
            took.append(resumed(project))
    found = toll(project, load.results, witness)
    figures("CLIENT KILL", found, took)

    assert found.clean, found
    assert max(took) < 5
    assert worker.process.poll() is None
    assert project.held(client) == 0


def test_cuts_at_random_moments_lose_nothing_and_leave_nothing_behind(project: RedisProject, proxy: Proxy, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    dice = random.Random(3)
    with Witness(at) as witness, Load(project, rate=100, seconds=0.002) as load:
        took = [resumed(project)]
        before = Footprint.of(worker)
        for _ in range(CUTS):
            time.sleep(dice.uniform(0, 0.2))
            proxy.cut(at=dice.choice([None, None, *range(6)]), reset=dice.random() < 0.5)
            if dice.random() < 0.3:
                proxy.cut()
            took.append(resumed(project))
        after = Footprint.of(worker)
    found = toll(project, load.results, witness)
    figures(f"{CUTS} cuts", found, took, f"before {before}, after {after}")

    assert found.clean, found
    assert max(took) < 5
    assert after.connections <= before.connections + 2
    assert after.descriptors <= before.descriptors + 4
    assert after.threads <= before.threads + 2
    assert after.memory - before.memory < 8_000_000
    assert project.held(at()) == 0


def test_answers_that_do_not_arrive_change_nothing(project: RedisProject, proxy: Proxy, at: Any, figures: Any) -> None:
    """The server has done what it was asked, and the worker does not know."""
    project.worker("-c", "2")
    dice = random.Random(4)
    with Witness(at) as witness, Load(project, rate=100) as load:
        took = [resumed(project)]
        for _ in range(CUTS // 2):
            proxy.swallow_answers()
            time.sleep(dice.uniform(0.01, 0.1))
            proxy.flow()
            took.append(resumed(project))
    found = toll(project, load.results, witness)
    figures("lost answers", found, took)

    assert found.clean, found
    assert max(took) < 5
    assert project.held(at()) == 0


@pytest.mark.timeout(300)
def test_a_black_hole_is_noticed_and_outlived(project: RedisProject, proxy: Proxy, at: Any, figures: Any) -> None:
    worker = project.worker("-c", "2")
    with Witness(at) as witness, Load(project) as load:
        resumed(project)
        before = Footprint.of(worker)
        proxy.stall()
        time.sleep(SILENCE)  # the length of the silence is what is tested
        proxy.flow()
        took = [resumed(project)]
    found = toll(project, load.results, witness)
    after = Footprint.of(worker)
    figures(f"black hole of {SILENCE:g} s", found, took)

    assert found.clean, found
    assert took[0] < 5
    assert after.descriptors <= before.descriptors + 4
    assert project.held(at()) == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("task", ["safe", "early"])
def test_another_worker_takes_over_from_one_that_is_cut_off(project: RedisProject, proxy: Proxy, url: str, at: Any, figures: Any, task: str) -> None:
    """The one behind the black hole lives, but its lease runs out; when it comes back it must not do what the other has done."""
    project.conf["worker_lease"] = 2.0
    project.worker("-c", "2")
    resumed(project)
    with Witness(at) as witness:
        results = project.send_many(task, 40, 0.1)
        project.ledger.wait_for("begin", 4)
        proxy.stall()
        other = project.worker("-c", "2", env={"CELERIAC_TEST_CONF": project.conf_text(broker_url=url, result_backend=url)})
        states = project.states(results[20:], timeout=40)
        eventually(lambda: project.depth() == 0, "the other has taken all", explain=other.describe, timeout=20)
        proxy.flow()
        took = [resumed(project)]
        if task == "safe":
            found = toll(project, results, witness)
            figures("cut off beyond its lease", found, took)
            assert found.clean, found
    assert set(states.values()) == {"SUCCESS"}
    if task == "early":
        eventually(lambda: project.held(at()) == 0, "nothing is in flight", explain=project.describe)
        assert project.ledger.account(r.id for r in results).doubled == set()


def test_a_slow_server_is_only_slow(project: RedisProject, proxy: Proxy, at: Any, figures: Any) -> None:
    project.worker("-c", "2")
    with Witness(at) as witness:
        resumed(project)
        proxy.delay(0.2)
        begun = time.monotonic()
        results = project.send_many("safe", 16)
        found = toll(project, results, witness)
        seconds = time.monotonic() - begun
        took = [resumed(project)]
        proxy.delay(0)
        begun = time.monotonic()
        proxy.delay(0.2)
        many = toll(project, project.send_many("safe", 300, 0.001), witness)
        rate = 300 / (time.monotonic() - begun)
        begun = time.monotonic()
        early = toll(project, project.send_many("early", 60, 0.02), witness)
        early_rate = 60 / (time.monotonic() - begun)
        proxy.delay(0)
    rates = f"300 tasks of 1 ms at {rate:.0f}/s, 60 of 20 ms that are acknowledged early at {early_rate:.0f}/s"
    figures("200 ms each way", found, took, f"16 tasks in {seconds:.1f} s, {rates}")

    assert found.clean, found
    assert found.repeated == 0
    assert max(took) < 3
    assert (many.clean, many.repeated) == (True, 0), many
    assert rate > 15
    assert (early.clean, early.repeated) == (True, 0), early
    assert early_rate > 5


def test_what_was_given_to_others_is_not_run_here_when_the_wire_is_whole_again(url: str, at: Any) -> None:
    """Between taking a message and writing its acknowledgement the worker is cut off for longer than its lease, and another takes over."""
    with celeriac.Celeriac("cut", broker=url, backend=url, set_as_current=False) as app:
        app.conf.worker_lease = 0.5
        app.task(name="early")(print)
        parts = Parts(app, resolve(app.conf, pool="solo"), SystemClock())
        cut_off, other = app.open_broker(owner="cut off"), app.open_broker(owner="other")
        outbox = Outbox(settler_for(cut_off, app.result_backend), lambda due: [], lambda seconds: None)
        intake = Intake(cut_off, parts.gate(), outbox, parts.encode, ["celery"])
        for number in range(3):
            app.send_task("early", (number,))
        intake.fetch(10, 0)
        [jobs] = intake.take(lambda jobs: [list(jobs)])
        eventually(lambda: other.recover() == 3, "the other takes over", timeout=5)

        assert [] == intake.acknowledge(jobs)
        assert [True, False] == [cut_off.taken_away(5), other.taken_away(5)]
        assert 3 == len(other.fetch(["celery"], limit=10, wait=0))

        for number in range(3):
            app.send_task("early", (number,))
        eventually(lambda: not cut_off.taken_away(0.2), "time has passed")
        intake.fetch(10, 0)
        [jobs] = intake.take(lambda jobs: [list(jobs)])
        assert [True] * 3 == [job.acked for job in intake.acknowledge(jobs)]
        other.close()
        cut_off.close()
