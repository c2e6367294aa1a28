"""What is measured, one function each: system -> figures of one repetition."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.bench import Bench, MeasurementFailed, bench, clean_environment, cpu_seconds, last_answer, pss
from benchmarks.stores import RABBITMQ, RABBITMQ_IGNORED, RABBITMQ_RPC, REDIS, SQLITE, Ground, Store
from benchmarks.systems import System
from benchmarks.ticks import BUSY_VARIABLE

Figures = dict[str, float]
IN_MEMORY = {"CELERIAC_BENCH_BROKER": "memory://", "CELERIAC_BENCH_BACKEND": "cache+memory://"}


@dataclass(frozen=True)
class Row:
    """One line of the table: one figure of a measurement."""

    name: str
    title: str
    unit: str
    figure: str
    higher_is_better: bool = True


@dataclass(frozen=True)
class Measurement:
    """What is run once a repetition, and the lines that it fills."""

    name: str
    rows: tuple[Row, ...]
    run: Callable[[System, float, Ground], Figures]
    """(system, scale of the run's size, the store it is measured on)."""
    store: Store = SQLITE


def _one(name: str, title: str, unit: str, figure: str, run: Callable[[System, float, Ground], Figures], *, store: Store = SQLITE,
         higher_is_better: bool = True) -> Measurement:
    return Measurement(name, (Row(name, title, unit, figure, higher_is_better),), run, store)


def drain(system: System, scale: float, ground: Ground) -> Figures:
    """Fill the queue, start the worker, take the time between the first and the last task body."""
    with bench(system, ground.fresh()) as table:
        count = max(50, int(system.drain * scale))
        client = table.start_client("drain", count)
        wait_for_client(table, client)
        before = _work(ground)
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= count, worker, f"{count} tasks had run (it ran {table.ticks.count})")
            seconds = table.ticks.last - table.ticks.first
            cpu, commands, reads = cpu_seconds(worker), *(end - begin for begin, end in zip(before, _work(ground)))
            output, errors = client.communicate("done\n", timeout=60)
        if client.returncode:
            raise MeasurementFailed(f"{system.name}: results: {errors[-800:]}")
        kept = last_answer(output)
        if kept["kept"] != kept["of"]:
            raise MeasurementFailed(f"{system.name}: only {kept['kept']} of {kept['of']} sampled results were stored")
        return {"rate": (table.ticks.count - 1) / seconds, "cpu_us": cpu / count * 1e6, "commands": commands / count, "reads": reads / count}


def solo(system: System, scale: float, ground: Ground) -> Figures:
    """The same with one process that does everything."""
    return drain(replace(system, worker=lambda logfile: [*system.worker(logfile), *SOLO], drain=int(system.drain * 0.7)), scale, ground)


def busy(system: System, scale: float, ground: Ground) -> Figures:
    """Drain tasks that keep a processor busy for a millisecond each: what is reached of all that two processes could do, in per cent."""
    ground = replace(ground, fresh=lambda fresh=ground.fresh: {**fresh(), BUSY_VARIABLE: str(BUSY)})
    figures = drain(replace(system, drain=min(system.drain, 6_000)), scale, ground)
    return {"percent": 100 * figures["rate"] * BUSY / 2}


def _work(ground: Ground) -> tuple[int, int]:
    """Return how many commands the server has run (those inside scripts too) and how often it has read from a connection."""
    if not ground.ask:
        return 0, 0
    found = dict(line.split(":", 1) for line in ground.ask("INFO stats").split("\r\n") if ":" in line)
    return int(found["total_commands_processed"]), int(found["total_reads_processed"])


def bulk(system: System, scale: float, ground: Ground) -> Figures:
    """One list of calls in one go; no worker runs."""
    with bench(system, ground.fresh()) as table:
        return table.client("bulk", max(500, int(10_000 * scale)))


def memory(system: System, scale: float, ground: Ground) -> Figures:
    """The same in one process: in-memory broker and results, solo worker."""
    with bench(system, IN_MEMORY) as table:
        return table.client("in_process", max(500, int(system.in_memory * scale)))


def enqueue(system: System, scale: float, ground: Ground) -> Figures:
    """Single calls of one client; no worker runs."""
    with bench(system, ground.fresh()) as table:
        return table.client("enqueue", max(100, int(system.enqueue * scale)))


def latency(system: System, scale: float, ground: Ground) -> Figures:
    """Call and wait for the result, one after the other, with an idle worker."""
    with bench(system, ground.fresh()) as table, table.worker() as worker:
        table.client("send_one", 1)
        table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
        return table.client("round_trip", max(10, int(500 * scale)))


def idle(system: System, scale: float, ground: Ground) -> Figures:
    """Processor time of a worker that has nothing to do, in per cent of one core."""
    with bench(system, ground.fresh()) as table:
        table.client("send_one", 1)
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
            time.sleep(2.0)
            before, begin = cpu_seconds(worker), time.monotonic()
            time.sleep(max(3.0, 10.0 * scale))
            return {"percent": 100 * (cpu_seconds(worker) - before) / (time.monotonic() - begin)}


def resting(system: System, scale: float, ground: Ground) -> Figures:
    """What a worker that has nothing to do costs: processor, memory, connections and commands of the server."""
    with bench(system, ground.fresh()) as table:
        table.client("send_one", 1)
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
            time.sleep(3.0)
            cpu, commands, begin = cpu_seconds(worker), _work(ground)[0], time.monotonic()
            time.sleep(max(5.0, 10.0 * scale))
            seconds = time.monotonic() - begin
            return {
                "percent": 100 * (cpu_seconds(worker) - cpu) / seconds,
                "pss": pss(worker) / 1e6,
                "connections": ground.ask("CLIENT LIST").count(" fd=") - 1 if ground.ask else 0,
                "chatter": (_work(ground)[0] - commands - 1) / seconds,
            }


def start(system: System, scale: float, ground: Ground) -> Figures:
    """From the start of the worker's process to the first task body; a task is waiting."""
    with bench(system, ground.fresh()) as table:
        table.client("send_one", 1)
        begin = time.monotonic()
        with table.worker() as worker:
            table.wait(lambda: table.ticks.count >= 1, worker, "its first task ran")
            return {"seconds": table.ticks.first - begin}


def imports(system: System, scale: float, ground: Ground) -> Figures:
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


def wait_for_client(table: Bench, client: subprocess.Popen[str]) -> None:
    """Wait for the client's word that the queue is filled."""
    assert client.stdout is not None
    if not client.stdout.readline():
        _, errors = client.communicate()
        raise MeasurementFailed(f"{table.system.name}: filling the queue: {errors[-800:]}")


SOLO = ("-P", "solo")
BUSY = 0.001

MEASUREMENTS = [
    _one("drain", "drain, 2 task processes, results stored", "tasks/s", "rate", drain),
    _one("memory", "drain, in-memory, solo, results stored", "tasks/s", "rate", memory),
    _one("enqueue", "enqueue, single calls", "calls/s", "rate", enqueue),
    _one("latency", "round trip, idle worker, p50", "ms", "p50", latency, higher_is_better=False),
    _one("idle", "idle worker", "% of a core", "percent", idle, higher_is_better=False),
    _one("start", "worker's start to first task", "s", "seconds", start, higher_is_better=False),
    _one("import", "import, app, task", "ms", "ms", imports, higher_is_better=False),
    Measurement("redis.drain", (
        Row("redis.drain", "drain, 2 task processes, results stored", "tasks/s", "rate"),
        Row("redis.cpu", "the same: processor time of the worker a task", "us", "cpu_us", False),
        Row("redis.commands", "the same: commands of the server a task", "", "commands", False),
        Row("redis.reads", "the same: reads of the server a task", "", "reads", False),
    ), drain, REDIS),
    _one("redis.solo", "drain, solo, results stored", "tasks/s", "rate", solo, store=REDIS),
    _one("redis.busy", "tasks of 1 ms, 2 processes: part of the ideal", "%", "percent", busy, store=REDIS),
    _one("redis.enqueue", "enqueue, single calls", "calls/s", "rate", enqueue, store=REDIS),
    _one("redis.bulk", "enqueue, 10,000 in one call", "calls/s", "rate", bulk, store=REDIS),
    _one("redis.latency", "round trip, idle worker, p50", "ms", "p50", latency, store=REDIS, higher_is_better=False),
    Measurement("redis.idle", (
        Row("redis.idle", "idle worker, 2 processes: processor", "% of a core", "percent", False),
        Row("redis.pss", "idle worker, 2 processes: memory (PSS)", "MB", "pss", False),
        Row("redis.connections", "idle worker, 2 processes: connections", "", "connections", False),
        Row("redis.chatter", "idle worker, 2 processes: commands", "/s", "chatter", False),
    ), resting, REDIS),
    _one("rabbitmq.drain", "drain, 2 task processes", "tasks/s", "rate", drain, store=RABBITMQ),
    _one("rabbitmq.enqueue", "enqueue, single calls (ours: confirmed)", "calls/s", "rate", enqueue, store=RABBITMQ),
    _one("rabbitmq.bulk", "enqueue, 10,000 in one call (ours: confirmed)", "calls/s", "rate", bulk, store=RABBITMQ),
    _one("rabbitmq.latency", "round trip, idle worker, p50 (ours: confirmed)", "ms", "p50", latency, store=RABBITMQ, higher_is_better=False),
    _one("rpc.drain", "drain, 2 task processes", "tasks/s", "rate", drain, store=RABBITMQ_RPC),
    _one("rpc.latency", "round trip, idle worker, p50 (ours: confirmed)", "ms", "p50", latency, store=RABBITMQ_RPC, higher_is_better=False),
    _one("ignored.drain", "drain, 2 task processes", "tasks/s", "rate", drain, store=RABBITMQ_IGNORED),
]

PYTHON = sys.version.split()[0]
