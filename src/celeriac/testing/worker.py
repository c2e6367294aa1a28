"""A worker inside a test's own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celeriac.model import errors
from celeriac.worker.boot import Worker

_START = 10.0


@contextmanager
def start_worker(
    app: Any,
    concurrency: int = 1,
    pool: str = "solo",
    loglevel: int | str = "WARNING",
    logfile: str | None = None,
    perform_ping_check: bool = False,
    shutdown_timeout: float = 10.0,
    **options: Any,
) -> Iterator[Worker]:
    """Run a worker in a thread while the block runs; then it finishes what it has begun (for at most ``shutdown_timeout`` seconds).

    Takes the options of a worker. ``pool`` may be ``solo`` (one thread runs all tasks, whatever ``concurrency`` says), ``threads`` or ``asyncio``.
    """
    worker = Worker(app, pool=pool, concurrency=concurrency, loglevel=loglevel, logfile=logfile, quiet=True, **options)
    solo = worker.run_in_thread()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            solo.run()
        except BaseException as error:
            failures.append(error)
            solo.ready.set()

    thread = threading.Thread(target=work, name="celeriac-test-worker", daemon=True)
    thread.start()
    if not solo.ready.wait(_START):
        raise errors.TimeoutError(f"The worker was not ready within {_START:g} seconds")
    if failures:
        raise failures[0]
    try:
        yield worker
    finally:
        solo.stop()
        thread.join(shutdown_timeout)
    if thread.is_alive():
        raise errors.TimeoutError(f"The worker still ran a task {shutdown_timeout:g} seconds after it was told to stop")
    if failures:
        raise failures[0]
