"""What is measured: each system with its Python, its worker's command line and the size of its runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.stores import RABBITMQ, RABBITMQ_IGNORED, RABBITMQ_RPC, SQLITE, Store

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".peers"
PEER_PYTHON = PEERS / "celery" / "bin" / "python"


@dataclass(frozen=True)
class System:
    """One system in one configuration; the sizes make each part of a run last some five seconds."""

    name: str
    app: str
    python: str
    worker: Callable[[str], list[str]]
    """Log file -> command line."""
    declare: str
    """The code whose import time is taken."""
    drain: int
    enqueue: int
    in_memory: int = 0
    skips: frozenset[str] = frozenset()
    """Measurements that make no sense for it."""


def _celeriac_worker(logfile: str) -> list[str]:
    command = [str(Path(sys.executable).parent / "celeriac"), "-A", "benchmarks.apps.celeriac_app"]
    return [*command, "worker", "-c", "2", "-l", "info", "-f", logfile]


def _celery_worker(logfile: str) -> list[str]:
    command = [str(PEER_PYTHON), "-m", "celery", "-A", "benchmarks.apps.celery_app"]
    return [*command, "worker", "-c", "2", "-l", "info", "-f", logfile]


def _floor_worker(logfile: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.apps.floor_app", "work"]


def _script(environment: str, *command: str) -> Callable[[str], list[str]]:
    """Return the command of a peer that logs to its standard output."""
    return lambda logfile: [str(PEERS / environment / "bin" / "python"), "-m", *command]


def _huey_redis_worker(logfile: str) -> list[str]:
    return [str(PEER_PYTHON), "-m", "huey.bin.huey_consumer", "benchmarks.apps.huey_redis_app.app", "-w", "2", "-k", "process", "-l", logfile]


def _huey_worker(logfile: str) -> list[str]:
    command = [str(PEER_PYTHON), "-m", "huey.bin.huey_consumer", "benchmarks.apps.huey_app.app"]
    return [*command, "-w", "1", "-k", "thread", "-l", logfile]


CELERIAC = System(
    name="celeriac",
    app="celeriac_app",
    python=sys.executable,
    worker=_celeriac_worker,
    declare="from celeriac import Celeriac; app = Celeriac('x', broker='memory://'); app.task(lambda: 1)",
    drain=40_000,
    enqueue=10_000,
    in_memory=100_000,
)
CELERY = System(
    name="Celery",
    app="celery_app",
    python=str(PEER_PYTHON),
    worker=_celery_worker,
    declare="from celery import Celery; app = Celery('x', broker='memory://'); app.task(lambda: 1)",
    drain=800,
    enqueue=2_000,
    in_memory=5_000,
)
HUEY = System(
    name="huey",
    app="huey_app",
    python=str(PEER_PYTHON),
    worker=_huey_worker,
    declare="from huey import SqliteHuey; app = SqliteHuey(filename=':memory:'); app.task()(lambda: 1)",
    drain=10_000,
    enqueue=10_000,
    skips=frozenset({"memory"}),
)
FLOOR = System(
    name="bare floor",
    app="floor_app",
    python=sys.executable,
    worker=_floor_worker,
    declare="pass",
    drain=60_000,
    enqueue=20_000,
    skips=frozenset({"memory", "idle", "start", "import"}),
)


def _queue(name: str, environment: str, worker: Callable[[str], list[str]], *, bulk: bool = False) -> System:
    """Return a peer that is measured on Redis."""
    skips = {"redis.solo"} if bulk else {"redis.solo", "redis.bulk"}
    module = "huey_redis_app" if name == "huey" else f"{name}_app"
    python = str(PEERS / environment / "bin" / "python")
    return System(name, module, python, worker, "pass", drain=8_000, enqueue=5_000, skips=frozenset(skips))


ON_REDIS = [
    replace(CELERIAC, drain=150_000),
    replace(CELERY, drain=3_000),
    _queue("huey", "celery", _huey_redis_worker),
    _queue("dramatiq", "queues", _script("queues", "dramatiq", "benchmarks.apps.dramatiq_app", "-p", "2", "-t", "8")),
    _queue("taskiq", "queues", _script("queues", "taskiq", "worker", "benchmarks.apps.taskiq_app:app", "-w", "2")),
    _queue("streaq", "queues", _script("queues", "streaq", "run", "benchmarks.apps.streaq_app:app"), bulk=True),
    _queue("arq", "arq", _script("arq", "arq", "benchmarks.apps.arq_app.WorkerSettings")),
    _queue("saq", "saq", _script("saq", "saq", "benchmarks.apps.saq_app.settings")),
]


def _dramatiq_on_rabbitmq() -> System:
    worker = _script("queues", "dramatiq", "benchmarks.apps.dramatiq_app", "-p", "2", "-t", "8")
    return replace(_queue("dramatiq", "queues", worker), drain=8_000, skips=frozenset({"rabbitmq.bulk"}))


AMQP_FLOOR = System(
    name="bare confirms",
    app="amqp_floor_app",
    python=str(PEER_PYTHON),
    worker=lambda logfile: [],
    declare="pass",
    drain=0,
    enqueue=5_000,
    skips=frozenset({"rabbitmq.drain", "rabbitmq.bulk", "rabbitmq.latency"}),
)
ON_RABBITMQ = [replace(CELERIAC, drain=30_000), replace(CELERY, drain=4_000), _dramatiq_on_rabbitmq()]
PRESENT = {SQLITE.name: [CELERIAC, CELERY, HUEY, FLOOR], RABBITMQ_IGNORED.name: ON_RABBITMQ}
PRESENT[RABBITMQ_RPC.name] = ON_RABBITMQ[:2]
PRESENT[RABBITMQ.name] = [*ON_RABBITMQ, AMQP_FLOOR]


def present(store: Store) -> list[System]:
    """Return the systems that can be measured here on a store."""
    systems = PRESENT.get(store.name, ON_REDIS)
    return [system for system in systems if os.path.exists(system.python)]
