"""A user's project on a Redis of the tests' own, and what is needed to count what a fault did to it."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import psutil

import celeriac
from tests.harness.project import Project
from tests.harness.waiting import eventually

TIMEOUTS = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
"""Shortened, so that a silent server is noticed while a test runs."""


class RedisProject(Project):
    """Workers reach the server by ``url``, the client in the test's process by ``client_url``: usually one of them goes through a proxy."""

    def __init__(self, folder: Path, *, url: str, client_url: str | None = None, options: dict[str, Any] | None = None, **conf: Any) -> None:
        super().__init__(folder)
        self.client_url = client_url or url
        self.options = options or {}
        shared = {"broker_transport_options": {**TIMEOUTS, **self.options}, "result_backend_transport_options": {**TIMEOUTS, **self.options}}
        self.conf = {"broker_url": url, "result_backend": url, "worker_lease": 4.0, **shared, **conf}

    @property
    def client(self) -> Any:
        """An application in the test's own process; it knows none of the tasks."""
        if self._client is None:
            self._client = celeriac.Celeriac("client", broker=self.client_url, backend=self.client_url, set_as_current=False)
            for name in ("broker_transport_options", "result_backend_transport_options"):
                self._client.conf[name] = self.conf[name]
        return self._client

    def conf_text(self, **changed: Any) -> str:
        """Return the settings with changes, as CELERIAC_TEST_CONF takes them."""
        return json.dumps({**self.conf, **changed})

    def held(self, redis: Any) -> int:
        """Count what any worker has in flight, by what the server holds."""
        hashes = sum(redis.hlen(key) for key in redis.scan_iter("*:held:*"))
        return int(hashes + sum(redis.llen(key) for key in redis.scan_iter("*:taken:*")))


class Load(AbstractContextManager["Load"]):
    """Sends a task so many times a second from a thread, through faults too."""

    def __init__(self, project: Project, *, rate: float = 50.0, task: str = "safe", seconds: float = 0.0) -> None:
        self._project = project
        self._pause = 1 / rate
        self._task = task
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.results: list[Any] = []
        self.refused: list[tuple[float, BaseException]] = []
        """How long a send that failed took, and why."""

    def _run(self) -> None:
        while not self._ended.wait(self._pause):
            begun = time.monotonic()
            try:
                self.results.append(self._project.send(self._task, self._seconds))
            except Exception as error:
                self.refused.append((time.monotonic() - begun, error))

    @property
    def ids(self) -> set[str]:
        """The ids of all that the broker accepted."""
        return {result.id for result in list(self.results)}

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(60)


class Witness(AbstractContextManager["Witness"]):
    """Listens at the server itself and writes down when each result was first stored."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self.stored: dict[str, float] = {}
        self._ended = False
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def _run(self) -> None:
        while not self._ended:
            try:
                self._listen()
            except Exception:
                self._listening.clear()
                time.sleep(0.02)

    @property
    def listening(self) -> bool:
        """Whether it hears what is stored now."""
        return self._listening.is_set()

    def _listen(self) -> None:
        listener = self._connect().pubsub(ignore_subscribe_messages=False)
        listener.psubscribe("celery-task-meta-*")
        while not self._ended:
            message = listener.get_message(timeout=0.2)
            if message and message["type"] == "psubscribe":
                self._listening.set()
            if message and message["type"] == "pmessage" and b'"SUCCESS"' in message["data"]:
                self.stored.setdefault(message["channel"].decode().removeprefix("celery-task-meta-"), time.time())

    def __enter__(self) -> Witness:
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._ended = True
        self._thread.join(5)


class Toll(NamedTuple):
    """What a fault cost."""

    sent: int
    lost: int
    """Accepted by the broker and never ended."""
    repeated: int
    """Begun more than once, which a late acknowledged task may be while its result is not stored."""
    doubled: int
    """Begun again after the result had been stored, which must not be."""
    unsuccessful: int

    @property
    def clean(self) -> bool:
        """Whether nothing happened that must not."""
        return (self.lost, self.doubled, self.unsuccessful) == (0, 0, 0)


def toll(project: Project, results: Iterable[Any], witness: Any = None, *, timeout: float = 40.0) -> Toll:
    """Wait for all results, and for the queue to run dry, and count."""
    sent = list(results)
    states = project.states(sent, timeout=timeout)
    eventually(lambda: project.depth() == 0, "the queue is empty", timeout=timeout, explain=project.describe)
    ids = set(states)
    account = project.ledger.account(ids)
    stored = witness.stored if witness is not None else {}
    again = Counter[str]()
    for entry in project.ledger.entries("begin"):
        if entry.id in ids and entry.at > stored.get(entry.id, float("inf")) + 0.002:
            again[entry.id] += 1
    failed = sum(1 for state in states.values() if state != "SUCCESS")
    return Toll(len(ids), len(account.lost), len(account.doubled), len(again), failed)


def resumed(project: RedisProject, *, timeout: float = 20.0, since: float | None = None) -> float:
    """Send a task and return how many seconds after now (or ``since``) it had ended."""
    since = time.time() if since is None else since
    result = eventually(lambda: _sent(project), "a task can be sent", timeout=timeout, explain=project.describe)
    entries = project.ledger.wait_for("end", task_id=result.id, timeout=timeout)
    return entries[0].at - since


def _sent(project: RedisProject) -> Any:
    try:
        return project.send("safe")
    except Exception:
        return None


class Footprint(NamedTuple):
    """What a worker takes of its machine."""

    descriptors: int
    threads: int
    memory: int
    connections: int

    @classmethod
    def of(cls, worker: Any) -> Footprint:
        """Measure all processes of a worker together; memory is the unshared part, in bytes."""
        found = [psutil.Process(pid) for pid in worker.all_pids]
        tcp = sum(1 for one in found for c in one.net_connections("tcp") if c.status == psutil.CONN_ESTABLISHED)
        return cls(sum(p.num_fds() for p in found), sum(p.num_threads() for p in found), sum(p.memory_full_info().uss for p in found), tcp)
