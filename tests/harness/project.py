"""A user's project in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import celeriac
from tests.harness.ledger import Ledger
from tests.harness.processes import MARKER, end_marked, marked
from tests.harness.waiting import PATIENCE, eventually
from tests.harness.worker_process import WorkerProcess

COMMAND = str(Path(sys.executable).parent / "celeriac")
SAMPLE = Path(__file__).parent / "sample" / "tasks.py"


class Project:
    """A folder with the sample tasks, an embedded file, workers, and a client in the test's own process."""

    def __init__(self, folder: Path, *, module: Path = SAMPLE, conf: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.run = uuid.uuid4().hex
        self.store = folder / "store.sqlite3"
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.conf = conf or {}
        self.workers: list[WorkerProcess] = []
        self._client: Any = None
        shutil.copy(module, folder / "tasks.py")

    def env(self, **extra: str) -> dict[str, str]:
        """Return the environment of this project's processes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_"))}
        return {
            **kept, MARKER: self.run, "CELERIAC_EMBEDDED_FILE": str(self.store), "CELERIAC_TEST_LEDGER": str(self.ledger.path),
            "CELERIAC_TEST_CONF": json.dumps(self.conf), "PYTHONUNBUFFERED": "1", **extra,
        }

    def worker(self, *options: str, app: str = "tasks", env: dict[str, str] | None = None, ready: bool = True) -> WorkerProcess:
        """Start a worker with these options of the command line and wait until it is ready."""
        number = len(self.workers) + 1
        name = [] if "-n" in options else ["-n", f"w{number}@%h"]
        worker = WorkerProcess(
            [COMMAND, "-A", app, "worker", "-l", "info", *name, *options],
            env=self.env(**(env or {})), folder=self.folder, log=self.folder / f"worker{number}.log", signposts=self.folder / f"signposts{number}",
        )
        self.workers.append(worker)
        return worker.wait_ready() if ready else worker

    def cli(self, *arguments: str, cwd: Path | None = None, timeout: float = 20.0, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run the ``celeriac`` command to its end."""
        return self._to_its_end([COMMAND, *arguments], cwd, timeout, env)

    def python(self, *arguments: str, cwd: Path | None = None, timeout: float = 20.0, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run Python with these arguments to its end."""
        return self._to_its_end([sys.executable, *arguments], cwd, timeout, env)

    def _to_its_end(self, command: list[str], cwd: Path | None, timeout: float, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env=self.env(**env), cwd=cwd or self.folder, capture_output=True, text=True, timeout=timeout * PATIENCE, check=False,
        )

    def start_python(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """Start Python with these arguments and leave it running."""
        return subprocess.Popen(
            [sys.executable, *arguments], env=self.env(**env), cwd=self.folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )

    @property
    def client(self) -> Any:
        """An application in the test's own process that shares the project's file; it knows none of the tasks."""
        if self._client is None:
            self._client = celeriac.Celeriac(
                "client", broker=f"sqlite:///{self.store}", backend=f"db+sqlite:///{self.store}", set_as_current=False,
            )
        return self._client

    def send(self, name: str, *args: Any, kwargs: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a call of a sample task and return its AsyncResult."""
        return self.client.send_task(f"tasks.{name}", args, kwargs or {}, **options)

    def send_many(self, name: str, count: int, *args: Any, **options: Any) -> list[Any]:
        """Send the same call ``count`` times."""
        return [self.send(name, *args, **options) for _ in range(count)]

    def states(self, results: Sequence[Any], *, timeout: float = 60.0) -> dict[str, str]:
        """Wait until all these results are ready and return their states by id."""
        backend = self.client.result_backend
        waiting = {result.id for result in results}
        states: dict[str, str] = {}

        def all_ready() -> bool:
            for key, record in backend.load(waiting).items():
                if record.state in ("SUCCESS", "FAILURE", "REVOKED"):
                    states[key] = record.state
                    waiting.discard(key)
            return not waiting

        eventually(all_ready, "all results are there", timeout=timeout, pause=0.02, explain=lambda: f"{len(waiting)} are missing\n{self.describe()}")
        return states

    def depth(self, queue: str = "celery") -> int:
        """Count what waits in a queue."""
        return int(self.client.broker.depth(queue))

    def processes(self) -> list[int]:
        """Return the pids of everything that runs for this project."""
        return [process.pid for process in marked(self.run)]

    def describe(self) -> str:
        """Say everything a failing test needs to know."""
        return "\n".join(worker.describe() for worker in self.workers)

    def close(self) -> None:
        """End everything that runs for this project."""
        end_marked(self.run)
        for worker in self.workers:
            worker.process.wait(10)
        if self._client is not None:
            self._client.close()
