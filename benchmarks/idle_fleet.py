"""What hundreds of idle workers cost the Redis that they share: ``python -m benchmarks.idle_fleet [--workers N] [--seconds S] [-- WORKER OPTIONS]``.

Each is a whole worker: a process of its own with its main loop, duties, remote control and events. They are forked from one process that has
imported what they need, so that hundreds fit into a small machine. Commands are those that the server counts, what its scripts run among them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
import redis

import celeriac.drivers.redis.broker
import celeriac.worker.executors.solo  # noqa: F401
from benchmarks.systems import ROOT
from celeriac import Celeriac
from celeriac.events.receiver import EventReceiver
from tests.harness.redis_server import RedisServer, running

OWNERS = "celeriac:{celery}:owners"
_AT_ONCE = 10
_OURS = frozenset({"info", "zcard", "select", "client|list"})
"""What is asked here, and by no worker."""


@dataclass(frozen=True)
class Cost:
    """What was counted in some seconds."""

    seconds: float
    commands: Counter[str]
    """How often each command ran, in scripts too."""
    processor: float
    """Seconds of the server's."""
    connections: int

    @property
    def rate(self) -> float:
        """Commands a second."""
        return self.commands.total() / self.seconds


@contextmanager
def fleet(url: str, workers: int, options: Sequence[str] = (), **conf: object) -> Iterator[int]:
    """Run so many solo workers on a database while the block runs; gives the process that all of them descend from."""
    command = [sys.executable, "-m", "benchmarks.idle_fleet", "--launch", json.dumps([url, workers, conf, list(options)])]
    launcher = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 30 + workers
        with redis.Redis.from_url(url) as client:
            while (there := client.zcard(OWNERS)) < workers:
                if launcher.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"only {there} of {workers} workers have begun")
                time.sleep(0.1)
        yield launcher.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait()


def cost(server: RedisServer, seconds: float) -> Cost:
    """Count for some seconds."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    with redis.Redis(port=server.port) as client:
        before, used, began = _commands(client), process.cpu_times(), time.monotonic()
        time.sleep(seconds)
        after, now, ended = _commands(client), process.cpu_times(), time.monotonic()
        connections = client.info("clients")["connected_clients"] - 1
    return Cost(ended - began, after - before, now.user + now.system - used.user - used.system, connections)


def _commands(client: redis.Redis) -> Counter[str]:
    found = {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in client.info("commandstats").items()}
    return Counter({name: calls for name, calls in found.items() if name not in _OURS})


def _launch(url: str, workers: int, conf: dict[str, object], options: list[str]) -> None:
    """Fork workers, some at a time, and wait for their end."""
    app = Celeriac("idle", broker=url, backend=url)
    app.conf.update(conf)
    app.task(lambda: 1, name="idle.nothing")
    app.finalize()
    for number in range(workers):
        if os.fork() == 0:
            try:
                app.worker_main(["worker", "--quiet", "-P", "solo", "-n", f"idle{number}@%h", "-l", "error", *options])
            finally:
                os._exit(1)
        if number % _AT_ONCE == _AT_ONCE - 1:
            time.sleep(0.5)
    while True:
        os.wait()


def _listen(url: str) -> subprocess.Popen[bytes]:
    """Be a monitor, in a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "benchmarks.idle_fleet", "--listen", url], env={**os.environ, "PYTHONPATH": str(ROOT)})


@click.command()
@click.option("--workers", default=500)
@click.option("--seconds", default=60.0, help="How long is counted.")
@click.option("--settle", default=75.0, help="How long they are idle before: longer than anything they do is apart.")
@click.option("--listener", is_flag=True, help="A monitor listens to events.")
@click.option("--launch", hidden=True)
@click.option("--listen", hidden=True)
@click.argument("options", nargs=-1)
def main(workers: int, seconds: float, settle: float, listener: bool, launch: str | None, listen: str | None, options: tuple[str, ...]) -> None:
    """Count what idle workers cost."""
    if launch:
        _launch(*json.loads(launch))
    elif listen:
        EventReceiver(None, {"*": lambda event: None}, app=Celeriac("monitor", broker=listen)).capture(limit=None, timeout=None)
    else:
        _measure(workers, seconds, settle, listener, options)


def _measure(workers: int, seconds: float, settle: float, listener: bool, options: tuple[str, ...]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="celeriac-idle-fleet-"))
    monitor = None
    try:
        with running(folder) as server, fleet(url := server.new_url(), workers, options) as root:
            monitor = _listen(url) if listener else None
            time.sleep(settle)
            found = cost(server, seconds)
            memory = sum(each.memory_full_info().pss for each in psutil.Process(root).children()) / workers
    finally:
        if monitor is not None:
            monitor.kill()
            monitor.wait()
        shutil.rmtree(folder, ignore_errors=True)
    often = ", ".join(f"{name} {calls / found.seconds:.1f}" for name, calls in found.commands.most_common(12))
    heard = ", a monitor listens" if listener else ""
    click.echo(f"{workers} idle workers {' '.join(options)}{heard}, {found.seconds:.0f} s:")
    click.echo(f"  {found.rate:.1f} commands/s, {found.rate / workers:.3f} a worker ({often})")
    click.echo(f"  Redis {found.processor / found.seconds:.2%} of a core, {found.connections} connections; a worker {memory / 1e6:.1f} MB (PSS)")


if __name__ == "__main__":
    main()
