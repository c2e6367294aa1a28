"""One program on one Redis, its clients and workers by turns real Celery's and ours."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.redis_server import RedisServer, running
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.peer import PYTHON, require_peers
from tests.interop.test_programs import dropin_path

redis = pytest.importorskip("redis")

SIDE = Path(__file__).with_name("redis_side")
EXPECTED = {
    "plain": 3,
    **{f"{serializer} {compression}": 3 for serializer in ("json", "msgpack", "pickle") for compression in (None, "zlib", "bzip2")},
    "countdown": [3, True],
    "priorities": [1, 4, 6, 10],
    "failure": ["ValueError", "boo", "FAILURE", True],
    "retry": 1,
    "link": [13],
    "expired": "TaskRevokedError",
    "chain": 10,
    "ignored": True,
    "progress": ["PROGRESS", {"done": 1}],
    "after progress": None,
    "many": True,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    require_peers()
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def store(server: RedisServer) -> str:
    return server.new_url()


@pytest.fixture
def client(store: str) -> Any:
    return redis.Redis.from_url(store)


@pytest.fixture
def environment(store: str, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "STORE": store, "LEDGER": str(tmp_path / "ledger"), "C_FORCE_ROOT": "1"}


def ours(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "PYTHONPATH": dropin_path()}


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start workers; all end with the test."""
    workers: list[subprocess.Popen[bytes]] = []

    def start(who: str, *options: str, **extra: str) -> subprocess.Popen[bytes]:
        environ = {**environment, **extra}
        command = [str(PYTHON), "-m", "celery"] if who == "celery" else [sys.executable, "-m", "celeriac"]
        log = tmp_path / f"{who}{len(workers)}.log"
        worker = subprocess.Popen(
            [*command, "-A", "tasks", "worker", "-l", "info", "-n", f"{who}{len(workers)}@%h", *options],
            env=environ if who == "celery" else ours(environ), cwd=SIDE, stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        workers.append(worker)
        eventually(lambda: " ready." in log.read_text(), f"{who}'s worker is ready", timeout=20 * PATIENCE, explain=log.read_text)
        return worker

    yield start
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def call(who: str, environment: dict[str, str], **extra: str) -> dict[str, Any]:
    """Run the client under one of the two and return what it found."""
    command, environ = (str(PYTHON), environment) if who == "celery" else (sys.executable, ours(environment))
    finished = subprocess.run(
        [command, "calls.py"], env={**environ, **extra}, cwd=SIDE, capture_output=True, text=True, timeout=60 * PATIENCE, check=False
    )
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("caller", "worker", "extra"),
    [
        ("celery", "ours", {}),
        ("ours", "celery", {}),
        ("celery", "ours", {"PREFIX": "pre:", "RESULTS": "msgpack", "EXTENDED": "1"}),
        ("ours", "celery", {"PREFIX": "pre", "RESULTS": "pickle"}),
        ("ours", "ours", {"PREFIX": "pre-", "RESULTS": "pickle", "EXTENDED": "1"}),
    ],
)
def test_a_client_of_one_kind_is_served_by_a_worker_of_the_other(
    start: Any, environment: dict[str, str], caller: str, worker: str, extra: dict[str, str]
) -> None:
    start(worker, "-c", "2", **extra)

    assert call(caller, environment, **extra) == EXPECTED


def test_two_workers_of_both_kinds_share_a_queue_and_every_task_runs_once(
    start: Any, environment: dict[str, str], client: Any, tmp_path: Path
) -> None:
    start("celery", "-c", "1")
    start("ours", "-c", "1")

    assert call("ours", environment, MANY="3000") == EXPECTED

    ledger = (tmp_path / "ledger").read_text().split()
    assert sorted(map(int, ledger)) == list(range(3000))


def test_what_a_killed_worker_of_celerys_had_prefetched_comes_back(start: Any, environment: dict[str, str], client: Any, tmp_path: Path) -> None:
    doomed = start("celery", "-c", "1")
    program = "from tasks import hang, note\nhang.apply_async()\nfor n in range(3): note.delay(n)"
    subprocess.run([str(PYTHON), "-c", program], env=environment, cwd=SIDE, check=True, timeout=30 * PATIENCE)
    eventually(lambda: client.hlen("unacked") == 4, "Celery's worker holds them", timeout=20 * PATIENCE)
    os.killpg(doomed.pid, signal.SIGKILL)

    start("ours", "-c", "2")

    ledger = tmp_path / "ledger"
    eventually(lambda: ledger.exists() and len(ledger.read_text().split()) == 3, "they run", timeout=30 * PATIENCE)
    assert sorted(ledger.read_text().split()) == ["0", "1", "2"]
    assert (client.exists("unacked"), client.exists("unacked_index")) == (0, 0)
