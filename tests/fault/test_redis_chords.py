"""Chords on Redis while workers are killed and connections cut: each is finished, no body is sent twice, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from celeriac import chord
from tests.harness.fixtures import ROUNDS
from tests.harness.proxy import Proxy
from tests.harness.redis_project import RedisProject, Witness, toll
from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import eventually

redis = pytest.importorskip("redis")

LONG = ROUNDS >= 20
CHORDS, PARTS, SECONDS = (25 * ROUNDS, 20, 0.02) if LONG else (10, 20, 0.06)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


def send(project: RedisProject, task: str, parts: int = PARTS, seconds: float = 0.02) -> Any:
    call = project.client.signature
    return chord([call(f"tasks.{task}", args=(seconds, n)) for n in range(parts)], call("tasks.gathered"), app=project.client)()


def test_a_chord_that_is_cut_between_its_last_part_and_its_body_is_finished(
    server: RedisServer, make_redis_project: Callable[..., RedisProject]
) -> None:
    project = make_redis_project(url=server.new_url())
    worker = project.worker("-c", "2")
    worker.kill_at("chord.due")
    # Nor is anybody there to take its place, or to tell once more what the part came to.
    worker.signal(signal.SIGSTOP)

    # A part that is acknowledged early is not delivered again: nothing but the duty of the workers knows of the chord.
    result = send(project, "early", 4, 0.0)

    eventually(lambda: not (worker.signposts / "chord.due.kill").exists(), "the consumer died there", explain=worker.describe)
    for pid in worker.all_pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    other = project.worker("-c", "2")
    assert result.get(timeout=60) == [0, 1, 2, 3]
    assert len(project.ledger.entries("begin", result.id)) == 1
    assert "cut in the middle" in other.log


@pytest.mark.timeout(900)
def test_every_chord_is_finished_once_while_workers_are_killed_and_connections_cut(
    server: RedisServer, make_redis_project: Callable[..., RedisProject], figures: Any
) -> None:
    url, proxy = server.new_url(), Proxy(server.port)
    project = make_redis_project(url=f"redis://127.0.0.1:{proxy.port}/{url.rpartition('/')[2]}", client_url=url)
    lives = [project.worker("-c", "2") for _ in range(2)]
    stop, chance = threading.Event(), random.Random(5)
    done = {"rounds": 0, "killed": 0, "cut": 0}

    def trouble() -> None:
        while not stop.wait(0.5):
            done["cut"] += proxy.open
            proxy.cut()
            done["rounds"] += 1
            if done["rounds"] % 4 == 0:
                doomed = lives.pop(chance.randrange(2))
                for pid in doomed.all_pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                done["killed"] += 1
                lives.append(project.worker("-c", "2"))

    with Witness(lambda: redis.Redis.from_url(url)) as witness:
        troubling = threading.Thread(target=trouble)
        troubling.start()
        try:
            results = [send(project, "safe", seconds=SECONDS) for _ in range(CHORDS)]
            found = toll(project, results, witness, timeout=400 if LONG else 60)
        finally:
            stop.set()
            troubling.join(60)
            proxy.close()

    figures("chords", f"{CHORDS} of {PARTS} parts", found, done)
    assert done["killed"]
    assert found.clean, found
    assert all(result.get() == list(range(PARTS)) for result in results)
    eventually(lambda: not redis.Redis.from_url(url).zcard("celeriac:chords:due"), "no chord is due", timeout=30)


def test_no_key_of_a_chord_is_left_when_its_results_have_expired(server: RedisServer, make_redis_project: Callable[..., RedisProject]) -> None:
    project = make_redis_project(url=server.new_url(), result_expires=2)
    project.client.conf.result_expires = 2
    call = project.client.signature
    client = redis.Redis.from_url(project.client_url)
    project.worker("-c", "1")

    send(project, "safe").get(timeout=20)
    header = [call("tasks.add", args=(1, 1)), call("tasks.fails"), call("tasks.add", args=(2, 2))]
    failed = chord(header, call("tasks.gathered"), app=project.client)()
    lost = chord([call("tasks.add", args=(1, 1)), call("tasks.add", args=(1, 1)).set(queue="nobody")], call("tasks.gathered"), app=project.client)()
    failed.get(timeout=20, propagate=False)
    eventually(lambda: client.keys(f"*{lost.parent.id}*.j"), "the part of the third was counted")

    eventually(lambda: not client.keys("*celery-task*"), "nothing is left", timeout=10, explain=lambda: str(client.keys("*celery-task*")))
    assert not client.exists("celeriac:chords:due")
