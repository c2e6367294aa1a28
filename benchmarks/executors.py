"""The executors that run tasks in one process, beside Celery's, on Redis: a table of its own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace

import psutil

from benchmarks.bars import Bar, Medians
from benchmarks.bench import bench
from benchmarks.measurements import Figures, Measurement, Row, wait_for_client
from benchmarks.stores import REDIS, Ground
from benchmarks.systems import CELERIAC, CELERY, PEERS, System
from benchmarks.ticks import NAP_VARIABLE

EXECUTORS = replace(REDIS, name="executors", title="Executors in one process, Redis on the same machine")
PEER = str(PEERS / "executors" / "bin" / "python")
"""Celery with gevent."""
NAPS = 10_000
ENOUGH = 0.995
"""Of the tasks: threads may count the same one twice over each other."""


def _peer(logfile: str) -> list[str]:
    return [PEER, "-m", "celery", "-A", "benchmarks.apps.celery_app", "worker", "-l", "info", "-f", logfile]


SYSTEMS = [
    replace(CELERIAC, drain=40_000),
    replace(CELERY, python=PEER, worker=_peer, drain=3_000, skips=frozenset({"executors.asyncio"})),
]


def _drain(system: System, scale: float, ground: Ground, *options: str) -> Figures:
    """Fill the queue, start the worker, take the time between the first and the last task body."""
    count = max(500, int(system.drain * scale))
    worker = system.worker
    with bench(replace(system, worker=lambda logfile: [*worker(logfile), *options]), ground.fresh()) as table:
        client = table.start_client("drain", count)
        wait_for_client(table, client)
        with table.worker() as process:
            table.wait(lambda: table.ticks.count >= count * ENOUGH, process, f"{count} tasks had run (it ran {table.ticks.count})")
            seconds = table.ticks.last - table.ticks.first
        client.kill()
        client.wait()
        return {"rate": table.ticks.count / seconds}


def threads(system: System, scale: float, ground: Ground) -> Figures:
    """Tasks that do nothing, in fifty threads."""
    return _drain(system, scale, ground, "-P", "threads", "-c", "50")


def gevent(system: System, scale: float, ground: Ground) -> Figures:
    """Tasks that do nothing, in five hundred green threads."""
    return _drain(system, scale, ground, "-P", "gevent", "-c", "500")


def naps(system: System, _scale: float, ground: Ground) -> Figures:
    """Coroutines that sleep for a second, two thousand at a time: from the worker's start to the end of the last; its memory at the most."""
    command = system.worker
    with bench(
        replace(system, worker=lambda logfile: [*command(logfile), "-P", "asyncio", "-c", "2000"]), {**ground.fresh(), NAP_VARIABLE: "1.0"}
    ) as table:
        client = table.start_client("drain", NAPS)
        wait_for_client(table, client)
        begin, peak = time.monotonic(), 0
        with table.worker() as process:
            watched = psutil.Process(process.pid)

            def done() -> bool:
                nonlocal peak
                with suppress(psutil.NoSuchProcess):
                    peak = max(peak, watched.memory_info().rss)
                return table.ticks.count >= NAPS

            table.wait(done, process, f"{NAPS} coroutines had run")
            seconds = table.ticks.last - begin
        client.kill()
        client.wait()
        return {"seconds": seconds, "memory": peak / 1e6}


MEASURED = [
    Measurement("executors.threads", (Row("executors.threads", "-P threads -c 50, no-ops", "tasks/s", "rate"),), threads, EXECUTORS),
    Measurement("executors.gevent", (Row("executors.gevent", "-P gevent -c 500, no-ops", "tasks/s", "rate"),), gevent, EXECUTORS),
    Measurement("executors.asyncio", (
        Row("executors.asyncio", "-P asyncio -c 2000, 10,000 x sleep(1), with its start", "s", "seconds", False),
        Row("executors.memory", "the same: memory (RSS) at the most", "MB", "memory", False),
    ), naps, EXECUTORS),
]  # fmt: skip


def _times(name: str, medians: Medians) -> float | None:
    ours, theirs = medians.get((name, "celeriac")), medians.get((name, "Celery"))
    return ours / theirs if ours and theirs else None


EXECUTOR_BARS = [
    Bar("threads -c 50: at least 8 x Celery", lambda medians: _times("executors.threads", medians), lambda x: x >= 8, "x"),
    Bar("gevent -c 500: at least 8 x Celery", lambda medians: _times("executors.gevent", medians), lambda x: x >= 8, "x"),
    Bar("asyncio: 10,000 x sleep(1) under 8 s", lambda medians: medians.get(("executors.asyncio", "celeriac")), lambda x: x < 8, "s"),
    Bar("asyncio: under 250 MB", lambda medians: medians.get(("executors.memory", "celeriac")), lambda x: x < 250, "MB"),
]


def present() -> list[System]:
    """Return the systems that can be measured here."""
    return [system for system in SYSTEMS if os.path.exists(system.python)]
