"""Schedulers of one project, and what they send, by slot."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import AbstractContextManager
from itertools import takewhile
from types import TracebackType
from typing import NamedTuple

from celeriac.beat import sending
from celeriac.beat.definition import decoded
from celeriac.beat.stored import stored_of
from celeriac.contracts.schedule_store import ScheduleStore
from celeriac.drivers.registry import open_broker, open_schedule_store
from celeriac.model.envelope import Settlement, Verdict
from tests.harness.project import COMMAND, Project
from tests.harness.waiting import eventually
from tests.harness.worker_process import WorkerProcess

SPACE = "tasks"
"""The name of the sample application, under which its schedule is kept."""


class Report(NamedTuple):
    """What came of the slots of one entry, in a span of time."""

    slots: int
    missing: list[float]
    doubled: list[float]
    worst: float
    """The latest arrival after its slot, in seconds."""
    strangers: int
    """Messages that belong to no slot."""


class Fleet(AbstractContextManager["Fleet"]):
    """Schedulers as processes; a thread takes their messages off the queue and notes when each arrived."""

    def __init__(self, project: Project, url: str, *, store: str | None = None) -> None:
        self.project = project
        self.url = url
        self.store_url = store or url
        self.beats: list[WorkerProcess] = []
        self.arrived: dict[str, list[float]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)

    @property
    def store(self) -> ScheduleStore:
        """The store of the schedule."""
        return open_schedule_store(self.store_url, options={"space": SPACE})

    def start(self, *options: str, **env: str) -> WorkerProcess:
        """Start one scheduler."""
        number = len(self.beats) + 1
        folder = self.project.folder
        started = WorkerProcess(
            [COMMAND, "-A", "tasks", "beat", "-l", "info", *options],
            env=self.project.env(**env), folder=folder, log=folder / f"beat{number}.log", signposts=folder / f"beat{number}-signposts",
        )
        self.beats.append(started)
        return started

    def leader(self) -> WorkerProcess:
        """Return the scheduler that leads; waits for one."""
        return eventually(self._leading, "a scheduler leads", timeout=20.0, explain=self.describe)

    def _leading(self) -> WorkerProcess | None:
        name = self.store.leader() or ""
        pid = name.partition("/")[2].partition("-")[0]
        return next((beat for beat in self.beats if str(beat.process.pid) == pid and beat.process.poll() is None), None)

    def kill(self, beat: WorkerProcess) -> None:
        """Kill a scheduler at once."""
        os.kill(beat.process.pid, signal.SIGKILL)
        beat.process.wait()

    def report(self, entry: str = "tick", *, until: float | None = None) -> Report:
        """Count the slots from the first that arrived to now."""
        until = time.time() if until is None else until
        arrived = {key: list(times) for key, times in list(self.arrived.items())}
        record = self.store.get([entry])[entry]
        stored = stored_of(record)
        definition = decoded(entry, stored.text, app=self.project.client)
        all_ids = {
            sending.id_of(SPACE, entry, slot): slot
            for slot in takewhile(lambda slot: slot <= time.time(), definition.timing.slots_after(stored.since, stored.since))
        }
        ids = {key: slot for key, slot in all_ids.items() if slot <= until}
        came = {slot: arrived.get(key, []) for key, slot in ids.items()}
        worst = max((times[0] - slot for slot, times in came.items() if times), default=0.0)
        missing = [slot for slot, times in came.items() if not times]
        doubled = [slot for slot, times in came.items() if len(times) > 1]
        return Report(len(ids), missing, doubled, worst, len(set(arrived) - set(all_ids)))

    def _read(self) -> None:
        broker = open_broker(self.url, owner="reader")
        broker.connect()
        while not self._ended.is_set():
            found = broker.fetch(["celery"], limit=100, wait=0.5)
            now = time.time()
            for delivery in found:
                self.arrived.setdefault(str(delivery.envelope.headers["id"]), []).append(now)
            broker.settle([Settlement(Verdict.ACK, delivery.tag, delivery.queue) for delivery in found])
        broker.close()

    def describe(self) -> str:
        """Say everything a failing test needs to know."""
        return "\n".join(beat.describe() for beat in self.beats)

    def __enter__(self) -> Fleet:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(30)
        for beat in self.beats:
            if beat.process.poll() is None:
                os.kill(beat.process.pid, signal.SIGKILL)
                beat.process.wait()
