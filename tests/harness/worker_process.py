"""One worker, started through the command line as a user starts it."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from pathlib import Path

import psutil

from tests.harness.waiting import PATIENCE, eventually


class WorkerProcess:
    """A running worker: its log, its processes by role, and ways to end it."""

    def __init__(self, command: list[str], *, env: dict[str, str], folder: Path, log: Path, signposts: Path) -> None:
        self.log_path = log
        self.signposts = signposts
        self.command = command
        signposts.mkdir(exist_ok=True)
        with log.open("ab") as output:
            # its own session: a Ctrl+C that a test sends must not reach the test runner
            self.process = subprocess.Popen(
                command, env={**env, "CELERIAC_SIGNPOSTS": str(signposts)}, cwd=folder, stdout=output, stderr=output,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return self.log_path.read_text(errors="replace")

    def wait_log(self, pattern: str, count: int = 1, *, timeout: float = 10.0) -> list[re.Match[str]]:
        """Wait until a regular expression is found ``count`` times in the log."""
        compiled = re.compile(pattern, re.MULTILINE)
        return eventually(
            lambda: found if len(found := list(compiled.finditer(self.log))) >= count else [],
            f"{count} x /{pattern}/ in the worker's log", timeout=timeout, explain=self.describe,
        )

    def wait_ready(self, timeout: float = 15.0) -> "WorkerProcess":
        """Wait until it says that it is ready."""
        eventually(
            lambda: re.search(r"@\S+ ready\.", self.log) or self.process.poll() is not None,
            "the worker is ready", timeout=timeout, explain=self.describe,
        )
        assert self.process.poll() is None, self.describe()
        return self

    def reached(self, name: str) -> list[int]:
        """Return the pids of the processes that reached a signpost, in order."""
        path = self.signposts / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def wait_signpost(self, name: str, count: int = 1, *, timeout: float = 10.0) -> list[int]:
        """Wait until a signpost was reached ``count`` times."""
        return eventually(
            lambda: found if len(found := self.reached(name)) >= count else [],
            f"signpost {name} was reached {count} times", timeout=timeout, explain=self.describe,
        )

    def kill_at(self, name: str) -> None:
        """Let the next process that reaches a signpost kill itself there."""
        (self.signposts / f"{name}.kill").touch()

    @property
    def supervisor(self) -> int:
        """The pid of the supervisor."""
        return self.process.pid

    @property
    def children(self) -> list[int]:
        """The pids of the supervisor's living children."""
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self.supervisor).children()
            return [child.pid for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
        return []

    @property
    def all_pids(self) -> list[int]:
        """The supervisor and everything below it."""
        with contextlib.suppress(psutil.Error):
            return [self.supervisor, *(child.pid for child in psutil.Process(self.supervisor).children(recursive=True))]
        return []

    def consumer(self) -> int:
        """Return the pid of the consumer; waits for one that has just been restarted."""
        return eventually(self._living_consumers, "a consumer lives", explain=self.describe)[-1]

    def _living_consumers(self) -> list[int]:
        started = set(self.reached("consumer.started"))
        return [pid for pid in self.children if pid in started]

    def task_processes(self) -> list[int]:
        """Return the pids of the task processes: the children that are not the consumer."""
        consumer = self.consumer()
        return [pid for pid in self.children if pid != consumer]

    def signal(self, number: int) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    def wait_exit(self, timeout: float = 10.0) -> int:
        """Wait for its end and return the exit code."""
        try:
            return self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker did not end within {timeout * PATIENCE:g} s\n{self.describe()}") from None

    def stop(self, timeout: float = 15.0) -> int:
        """End it warmly and return the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def describe(self) -> str:
        """Say everything a failing test needs to know about it."""
        state = "runs" if self.process.poll() is None else f"ended with {self.process.returncode}"
        tail = "\n".join(self.log.splitlines()[-60:])
        posts = {path.name: len(self.reached(path.name)) for path in sorted(self.signposts.iterdir())}
        return f"$ {' '.join(self.command)}\n({state}; signposts {posts})\n--- end of its log ---\n{tail}\n---"
