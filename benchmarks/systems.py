"""What is measured: each system with its Python, its worker's command line and the size of its runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER_PYTHON = ROOT / ".peers" / "celery" / "bin" / "python"


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


def present() -> list[System]:
    """Return the systems that can be measured here."""
    return [CELERIAC, CELERY, HUEY, FLOOR] if os.path.exists(PEER_PYTHON) else [CELERIAC, FLOOR]
