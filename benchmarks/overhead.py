"""What watching costs a worker, in one run of alternating drains on Redis: ``python -m benchmarks.overhead [--rounds N] [--tasks N]``.

Compared are processor seconds a task of the whole process tree of the worker (children that ended included): a busy machine disturbs them less than
rates: alone; with ``--metrics``, scraped every second; with ``-E`` and nobody who listens; with ``-E`` and a listener in a process of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import click

from benchmarks.bench import bench, cpu_seconds
from benchmarks.measurements import wait_for_client
from benchmarks.stores import REDIS, Ground
from benchmarks.systems import CELERIAC, ROOT
from tests.harness.redis_server import free_port

Beside = Callable[[dict[str, str]], Any]
"""Runs what watches while the block runs; gets the environment that leads to the store."""


@contextmanager
def _scraping(port: int) -> Iterator[None]:
    """Scrape every second."""
    done = threading.Event()

    def scrape() -> None:
        while not done.wait(1.0):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                answer.read()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _listening(environment: dict[str, str]) -> Iterator[None]:
    """Listen to all events, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.idle_fleet", "--listen", environment["CELERIAC_BENCH_BROKER"]]
    listener = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    time.sleep(1.0)
    try:
        yield
    finally:
        listener.kill()
        listener.wait()


def _ways() -> dict[str, tuple[list[str], Beside]]:
    port = free_port()
    return {
        "alone": ([], lambda _: nullcontext()),
        "metrics, scraped every second": (["--metrics", f"127.0.0.1:{port}"], lambda _: _scraping(port)),
        "events, nobody listens": (["-E"], lambda _: nullcontext()),
        "events, a listener": (["-E"], _listening),
    }


def drain(ground: Ground, tasks: int, options: list[str], beside: Beside) -> tuple[float, float]:
    """Drain a queue; return processor microseconds a task of the worker, and tasks a second."""
    system = replace(CELERIAC, worker=lambda logfile: [*CELERIAC.worker(logfile), *options])
    environment = ground.fresh()
    with bench(system, environment) as table:
        client = table.start_client("drain", tasks)
        wait_for_client(table, client)
        with beside(environment), table.worker() as worker:
            # What a worker's start takes is not part of it.
            table.wait(lambda: table.ticks.count >= tasks // 10, worker, "it had begun")
            before, spent = table.ticks.count, cpu_seconds(worker, ended=True)
            table.wait(lambda: table.ticks.count >= tasks, worker, f"{tasks} tasks had run")
            used = cpu_seconds(worker, ended=True) - spent
            found = used / (tasks - before) * 1e6, (tasks - 1) / (table.ticks.last - table.ticks.first)
        client.communicate("done\n", timeout=60)
        return found


@click.command()
@click.option("--rounds", default=5)
@click.option("--tasks", default=60_000)
@click.option("--only", multiple=True, help="Beside alone, only the ways whose names begin so.")
def main(rounds: int, tasks: int, only: tuple[str, ...]) -> None:
    """Drain by turns, with and without."""
    ways = {name: way for name, way in _ways().items() if not only or name == "alone" or name.startswith(only)}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    with REDIS.running() as ground:
        drain(ground, tasks, *ways["alone"])
        for turn in range(rounds):
            # Each round in another order: what comes first has a cooler machine.
            names = list(ways)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                found[name].append(drain(ground, tasks, *ways[name]))
            click.echo(f"round {turn + 1}: " + "; ".join(f"{name} {figures[-1][0]:.1f} us" for name, figures in found.items()), err=True)
    click.echo(f"{rounds} rounds of {tasks:,} empty tasks, two processes, Redis on the same machine; medians")
    for name, figures in found.items():
        cpu = [mine[0] / alone[0] for mine, alone in zip(figures, found["alone"])]
        rate = [mine[1] / alone[1] for mine, alone in zip(figures, found["alone"])]
        told = f"{statistics.median(each[0] for each in figures):6.1f} us a task ({statistics.median(cpu) - 1:+.1%} of alone in its round"
        click.echo(f"{name:30} {told}; {min(cpu) - 1:+.1%} to {max(cpu) - 1:+.1%}); {statistics.median(rate):.0%} of its rate")


if __name__ == "__main__":
    main()
