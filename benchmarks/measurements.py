"""What is measured, one function each: system -> figures of one repetition."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench import Bench, MeasurementFailed, bench, clean_environment, cpu_seconds, last_answer
from benchmarks.systems import System

Figures = dict[str, float]
IN_MEMORY = {"CELERIAC_BENCH_BROKER": "memory://", "CELERIAC_BENCH_BACKEND": "cache+memory://"}


@dataclass(frozen=True)
class Measurement:
    """A row of the table."""

    name: str
    title: str
    unit: str
    figure: str
    """Which of the figures is compared."""
    run: Callable[[System, float], Figures]
    """(system, scale of the run's size)."""
    higher_is_better: bool = True


def drain(system: System, scale: float) -> Figures:
    """Fill the queue, start the worker, take the time between the first and the last task body."""
    with bench(system) as table:
        count = max(50, int(system.drain * scale))
        client = table.start_client("drain", count)
        _read(table, client)
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= count, worker, f"{count} tasks had run (it ran {table.ticks.count})")
            seconds = table.ticks.last - table.ticks.first
            cpu = cpu_seconds(worker)
            output, errors = client.communicate("done\n", timeout=60)
        if client.returncode:
            raise MeasurementFailed(f"{system.name}: results: {errors[-800:]}")
        kept = last_answer(output)
        if kept["kept"] != kept["of"]:
            raise MeasurementFailed(f"{system.name}: only {kept['kept']} of {kept['of']} sampled results were stored")
        return {"rate": (table.ticks.count - 1) / seconds, "cpu_us": cpu / count * 1e6, "n": count}


def memory(system: System, scale: float) -> Figures:
    """The same in one process: in-memory broker and results, solo worker."""
    with bench(system, IN_MEMORY) as table:
        return table.client("in_process", max(500, int(system.in_memory * scale)))


def enqueue(system: System, scale: float) -> Figures:
    """Single calls of one client; no worker runs."""
    with bench(system) as table:
        return table.client("enqueue", max(100, int(system.enqueue * scale)))


def latency(system: System, scale: float) -> Figures:
    """Call and wait for the result, one after the other, with an idle worker."""
    with bench(system) as table, table.worker() as worker:
        table.client("send_one", 1)
        table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
        return table.client("round_trip", max(10, int(500 * scale)))


def idle(system: System, scale: float) -> Figures:
    """Processor time of a worker that has nothing to do, in per cent of one core."""
    with bench(system) as table:
        table.client("send_one", 1)
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
            time.sleep(2.0)
            before, begin = cpu_seconds(worker), time.monotonic()
            time.sleep(max(3.0, 10.0 * scale))
            return {"percent": 100 * (cpu_seconds(worker) - before) / (time.monotonic() - begin)}


def start(system: System, scale: float) -> Figures:
    """From the start of the worker's process to the first task body; a task is waiting."""
    with bench(system) as table:
        table.client("send_one", 1)
        begin = time.monotonic()
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
            return {"seconds": table.ticks.first - begin}


def imports(system: System, scale: float) -> Figures:
    """Import the package, make an app and a task; milliseconds over a bare interpreter."""
    runs = max(3, int(9 * scale))
    _seconds(system.python, system.declare)
    bare = statistics.median(_seconds(system.python, "pass") for _ in range(runs))
    whole = statistics.median(_seconds(system.python, system.declare) for _ in range(runs))
    return {"ms": (whole - bare) * 1000}


def _seconds(python: str, code: str) -> float:
    begin = time.perf_counter()
    subprocess.run([python, "-c", code], check=True, cwd="/", env=clean_environment(), stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _read(table: Bench, client: subprocess.Popen[str]) -> None:
    """Wait for the client's word that the queue is filled."""
    assert client.stdout is not None
    if not client.stdout.readline():
        _, errors = client.communicate()
        raise MeasurementFailed(f"{table.system.name}: filling the queue: {errors[-800:]}")


MEASUREMENTS = [
    Measurement("drain", "drain, SQLite, 2 task processes, results stored", "tasks/s", "rate", drain),
    Measurement("memory", "drain, in-memory, solo, results stored", "tasks/s", "rate", memory),
    Measurement("enqueue", "enqueue, SQLite, single calls", "calls/s", "rate", enqueue),
    Measurement("latency", "round trip, SQLite, idle worker, p50", "ms", "p50", latency, higher_is_better=False),
    Measurement("idle", "idle worker, SQLite", "% of a core", "percent", idle, higher_is_better=False),
    Measurement("start", "worker's start to first task", "s", "seconds", start, higher_is_better=False),
    Measurement("import", "import, app, task", "ms", "ms", imports, higher_is_better=False),
]

PYTHON = sys.version.split()[0]
