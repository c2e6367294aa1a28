"""One measurement: a folder of its own, the processes that take part, and the end of all of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.systems import ROOT, System
from benchmarks.ticks import PATH_VARIABLE, Ticks

PATIENCE = 120.0


class MeasurementFailed(Exception):
    """A process of the measured system failed or never finished; the text holds its last output."""


class Bench:
    """The table on which one system is measured once."""

    def __init__(self, system: System, folder: Path, variables: dict[str, str] | None = None) -> None:
        self.system = system
        self.folder = folder
        self.logfile = folder / "worker.log"
        self.ticks = Ticks(str(folder / "ticks"))
        self.environment = {
            **clean_environment(),
            "PYTHONPATH": str(ROOT),
            "CELERIAC_BENCH_FOLDER": str(folder),
            PATH_VARIABLE: str(folder / "ticks"),
            "CELERIAC_EMBEDDED_FILE": str(folder / "celeriac.sqlite3"),
            **(variables or {}),
        }

    def client(self, verb: str, count: int) -> dict[str, Any]:
        """Run a client to its end and return what it measured."""
        process = self.start_client(verb, count)
        output, errors = process.communicate(timeout=PATIENCE)
        if process.returncode:
            raise MeasurementFailed(f"{self.system.name} {verb}: {errors[-800:]}")
        return last_answer(output)

    def start_client(self, verb: str, count: int) -> subprocess.Popen[str]:
        """Start a client; it prints JSON lines."""
        command = [self.system.python, "-m", "benchmarks.client", self.system.app, verb, str(count)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker; its whole process tree is ended at the end."""
        with open(self.folder / "worker.out", "wb") as output:
            command = self.system.worker(str(self.logfile))
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                yield process
            finally:
                stop(process)

    def wait(self, condition: Callable[[], bool], worker: subprocess.Popen[bytes], what: str) -> None:
        """Wait until ``condition`` holds; the worker has to live."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if worker.poll() is not None or time.monotonic() > end:
                how = f"ended with {worker.returncode}" if worker.returncode is not None else f"took over {PATIENCE:.0f} s"
                raise MeasurementFailed(f"{self.system.name}: the worker {how} before {what}\n{self._last_output()}")
            time.sleep(0.01)

    def _last_output(self) -> str:
        texts = [path.read_text(errors="replace")[-600:] for path in (self.folder / "worker.out", self.logfile) if path.exists()]
        return "\n".join(texts)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would configure a system, and with bytecode cached as in an installation."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("CELERY_", "CELERIAC_")) and k != "PYTHONDONTWRITEBYTECODE"}


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a worker: first as its user would, then for good."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_seconds(process: subprocess.Popen[bytes], *, ended: bool = False) -> float:
    """Return the processor time that a process and its descendants have used so far; ``ended`` for those too that have ended."""
    parent = psutil.Process(process.pid)
    total = 0.0
    for member in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            total += times.user + times.system
            total += times.children_user + times.children_system if ended else 0.0
    return total


def pss(process: subprocess.Popen[bytes]) -> int:
    """Return the bytes of memory of a process and its descendants; what is shared is divided among those who share it."""
    parent = psutil.Process(process.pid)
    total = 0
    for member in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += member.memory_full_info().pss
    return total


def last_answer(output: str) -> dict[str, Any]:
    """Return the last JSON line among what a client and its system printed."""
    answer: dict[str, Any] = json.loads([line for line in output.splitlines() if line.startswith("{")][-1])
    return answer


@contextmanager
def bench(system: System, variables: dict[str, str] | None = None) -> Iterator[Bench]:
    """Lay a table in an empty folder, and clear it."""
    folder = Path(tempfile.mkdtemp(prefix="celeriac-bench-"))
    try:
        yield Bench(system, folder, variables)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
