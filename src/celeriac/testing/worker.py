"""A worker inside a test's own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celeriac.lib.dispatch import Signal
from celeriac.model import errors
from celeriac.testing.tasks import PING, PONG, add_ping
from celeriac.worker.boot import Worker

_START = 10.0

test_worker_starting = Signal("test_worker_starting", frozenset())
"""A worker of a test is about to start; the sender is the application."""
test_worker_started = Signal("test_worker_started", frozenset({"worker"}))
test_worker_stopped = Signal("test_worker_stopped", frozenset({"worker"}))


class TestWorkController(Worker):
    """A worker of a test."""

    __test__ = False
    ready: threading.Event | None = None

    def ensure_started(self, timeout: float = _START) -> None:
        """Wait until it takes messages; raises TimeoutError after ``timeout`` seconds."""
        if self.ready is None or not self.ready.wait(timeout):
            raise errors.TimeoutError(f"The worker was not ready within {timeout:g} seconds")

    def reload(self, modules: Any = None, reload: bool = False, reloader: Any = None) -> None:
        """Import modules that hold tasks. Tasks that a test defines are known without it."""
        for name in modules or ():
            self.app.loader.import_task_module(name)


@contextmanager
def start_worker(
    app: Any,
    concurrency: int = 1,
    pool: str = "solo",
    loglevel: int | str = "WARNING",
    logfile: str | None = None,
    perform_ping_check: bool = False,
    shutdown_timeout: float = 10.0,
    ping_task_timeout: float = 10.0,
    **options: Any,
) -> Iterator[TestWorkController]:
    """Run a worker in a thread while the block runs; then it finishes what it has begun (for at most ``shutdown_timeout`` seconds).

    Takes the options of a worker. ``pool`` may be ``solo`` (one thread runs all tasks, whatever ``concurrency`` says), ``threads`` or ``asyncio``.
    With ``perform_ping_check`` a task runs and its result is read before the block begins.
    """
    test_worker_starting.send(sender=app)
    worker = TestWorkController(app, pool=pool, concurrency=concurrency, loglevel=loglevel, logfile=logfile, quiet=True, **options)
    executor = worker.run_in_thread()
    worker.ready = executor.ready
    failures: list[BaseException] = []
    thread = threading.Thread(target=_work, args=(executor, failures), name="celeriac-test-worker", daemon=True)
    thread.start()
    worker.ensure_started()
    if failures:
        raise failures[0]
    try:
        test_worker_started.send(sender=app, worker=worker)
        if perform_ping_check:
            _ping(app, ping_task_timeout)
        yield worker
    finally:
        executor.stop()
        thread.join(shutdown_timeout)
        test_worker_stopped.send(sender=app, worker=worker)
    if thread.is_alive():
        raise errors.TimeoutError(f"The worker still ran a task {shutdown_timeout:g} seconds after it was told to stop")
    if failures:
        raise failures[0]


def _work(executor: Any, failures: list[BaseException]) -> None:
    try:
        executor.run()
    except BaseException as error:
        failures.append(error)
        executor.ready.set()


def _ping(app: Any, timeout: float) -> None:
    add_ping(app)
    answer = app.send_task(PING).get(timeout=timeout)
    if answer != PONG:
        raise AssertionError(f"The task {PING} returned {answer!r}, not {PONG!r}: does another worker take the messages of {app.broker_url}?")
