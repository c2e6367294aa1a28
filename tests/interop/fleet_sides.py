"""Workers and clients of both kinds on one Redis, each a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.harness.ledger import Ledger
from tests.harness.processes import MARKER, end_marked
from tests.harness.waiting import PATIENCE, eventually
from tests.interop.peer import PYTHON

PROJECT = Path(__file__).parent / "fleet"
SIDES = ("celery", "ours")
COMMAND = str(Path(sys.executable).parent / "celeriac")


class Client:
    """A client of one kind."""

    def __init__(self, fleet: Fleet, side: str, program: str = "fleet_client.py") -> None:
        self.side = side
        self._process = subprocess.Popen(
            [str(PYTHON) if side == "celery" else sys.executable, program], cwd=PROJECT, env=fleet.environment(side),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def ask(self, do: str, **command: Any) -> dict[str, Any]:
        """Have it do something; an exception over there is a failure here."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("no pipes")
        self._process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        assert "error" not in answer, answer["error"]
        return dict(answer)

    def _line(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{") and '"ready"' not in line:
                return line
        raise AssertionError(f"the client of {self.side} ended")

    def send(self, name: str, args: str = "()", **options: Any) -> str:
        """Send a call, return its id; options that are Python text are given as ``options_text``."""
        text = options.pop("options_text", None) or repr(options)
        return str(self.ask("send", name=name, args=args, options=text)["id"])

    def get(self, task_id: str, timeout: float = 10.0) -> dict[str, Any]:
        """Wait for a result."""
        return self.ask("get", id=task_id, timeout=timeout * PATIENCE)


class Worker:
    """A worker of one kind; ends with its fleet."""

    def __init__(self, fleet: Fleet, side: str, queue: str, *options: str, **conf: Any) -> None:
        self.log_path = fleet.folder / f"{side}-{uuid.uuid4().hex[:6]}.log"
        program = [str(PYTHON), "-m", "celery"] if side == "celery" else [COMMAND]
        quiet = ["--without-gossip", "--without-mingle", *([] if fleet.heartbeats else ["--without-heartbeat"])]
        command = [*program, "-A", "fleet_tasks", "worker", "-l", "info", "-Q", queue, "-n", f"{uuid.uuid4().hex[:6]}@%h", *quiet, *options]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=fleet.environment(side, **conf), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_path.read_text(errors="replace")

    def ready(self) -> Worker:
        """Wait until it takes messages."""
        eventually(lambda: " ready." in self.log or self.process.poll() is not None, "the worker is ready", timeout=20, explain=lambda: self.log)
        assert self.process.poll() is None, self.log
        return self

    def stop(self) -> None:
        """End it warmly."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20 * PATIENCE)

    def kill(self) -> None:
        """End it and its children at once, as the loss of a machine does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


class Fleet:
    """Both kinds on one database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.run = uuid.uuid4().hex
        self.heartbeats = False
        """Whether its workers send heartbeats."""
        self.backend: str | None = None
        """The result store, where it is not the broker."""
        self.conf: dict[str, Any] = {}
        """Settings of all its processes."""
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._clients: dict[str, Client] = {}

    def environment(self, side: str, **conf: Any) -> dict[str, str]:
        """Return the environment of a process of one kind."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_")) and name != "PYTHONPATH"}
        extra = {name: str(conf.pop(name)) for name in list(conf) if name.isupper()}
        return {
            **kept, **({"FLEET_BACKEND": self.backend} if self.backend else {}),
            MARKER: self.run, "FLEET_SIDE": side, "FLEET_URL": self.url, "FLEET_CONF": json.dumps({**self.conf, **conf}),
            "FLEET_LEDGER": str(self.ledger.path), "PYTHONUNBUFFERED": "1", "C_FORCE_ROOT": "1", **extra,
        }

    def redis(self) -> Any:
        """Return a plain client of the database."""
        return importlib.import_module("redis").Redis.from_url(self.url)

    def client(self, side: str) -> Client:
        """Return the client of one kind."""
        if side not in self._clients:
            self._clients[side] = Client(self, side)
        return self._clients[side]

    def worker(self, side: str, queue: str, *options: str, **conf: Any) -> Worker:
        """Begin to start a worker."""
        return Worker(self, side, queue, *options, **conf)

    def cli(self, *arguments: str, **conf: Any) -> subprocess.CompletedProcess[str]:
        """Run our command line to its end."""
        return subprocess.run(
            [COMMAND, "-A", "fleet_tasks", *arguments], cwd=PROJECT, env=self.environment("ours", **conf), capture_output=True, text=True,
            timeout=30 * PATIENCE, check=False,
        )

    def close(self) -> None:
        """End everything that runs for it."""
        end_marked(self.run)
