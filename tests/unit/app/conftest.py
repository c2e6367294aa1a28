"""An application on a memory store of its own, and a worker in miniature: one thread that fetches, runs and settles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from celeriac import Celeriac
from celeriac.engine.attempt import Tools, run
from celeriac.engine.hooks import Silence
from celeriac.lib.clock import SystemClock
from celeriac.lib.ids import uuid
from celeriac.model.effects import Effects, Job
from celeriac.model.envelope import Delivery


@pytest.fixture
def app() -> Iterator[Celeriac]:
    name = uuid()
    made = Celeriac("proj", broker=f"memory://{name}", backend=f"cache+memory://{name}")
    yield made
    made.close()


@pytest.fixture
def sent(app: Celeriac) -> Callable[..., list[Delivery]]:
    """Fetch what was sent to a queue."""
    return lambda queue="celery", limit=100: list(app.open_broker("reader").fetch([queue], limit=limit, wait=0))


class Worker:
    def __init__(self, app: Celeriac) -> None:
        self._app = app
        self._ended = threading.Event()
        self._broker = app.open_broker("w1")
        self._settler = app.settler(self._broker)
        self._tools = Tools(
            tasks=app.tasks, client=app, clock=SystemClock(), log=Silence(), accept=app.accept, hostname="w1@here", emit=self._flush
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _flush(self, effects: Effects) -> None:
        self._settler.flush([self._app.publisher.encode(effects)], lambda due: ())

    def _run(self) -> None:
        while not self._ended.is_set():
            for delivery in self._broker.fetch(["celery"], limit=10, wait=0.05):
                self._flush(run(Job(delivery, time.time()), self._tools))

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(5)


@pytest.fixture
def start_worker(app: Celeriac) -> Iterator[Callable[[], Worker]]:
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(app))
        return started[-1]

    yield start
    for worker in started:
        worker.stop()
