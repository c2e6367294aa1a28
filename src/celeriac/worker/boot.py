"""The composition root of a worker: the one place where its parts are built and put together."""

from __future__ import annotations

import logging
from typing import Any

from celeriac import signals
from celeriac.app.discovery import import_modules
from celeriac.lib.clock import SystemClock
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker import banner, logs
from celeriac.worker.executors import registry
from celeriac.worker.executors.contract import Executor
from celeriac.worker.options import WorkerOptions, resolve
from celeriac.worker.parts import Parts
from celeriac.worker.stdouts import restore_stdouts

logger = logging.getLogger("celeriac.worker")

IN_THREAD = ("solo", "threads", "asyncio")
"""Executors that need neither the main thread nor processes."""


def run(app: Any, options: WorkerOptions) -> int:
    """Run a worker until it is told to stop; return its exit status."""
    return Worker(app, options).start()


class Worker:
    """A worker that has not been started, or runs; ``Celeriac.Worker`` makes one."""

    def __init__(self, app: Any, options: WorkerOptions | None = None, **named: Any) -> None:
        self.app = app
        self.options = options if options is not None else resolve(app.conf, **named)
        self.hostname = self.options.hostname
        self.exitcode: int | None = None
        self._executor: Executor | None = None

    def start(self) -> int:
        """Work until told to stop; return the exit status."""
        executor = registry.load(self.options.pool)
        parts = self._prepare()
        self._show_banner(parts)
        signals.worker_init.send(sender=self)
        self._executor = executor(parts, SystemClock())
        try:
            self.exitcode = self._executor.run()
        finally:
            restore_stdouts()
        return self.exitcode

    def run_in_thread(self) -> Any:
        """Return an executor made for this worker (``executors.inprocess.InProcess``), to be run by a thread of a program that does other things."""
        if self.options.pool not in IN_THREAD:
            raise ImproperlyConfigured(f"Only the executors {' and '.join(IN_THREAD)} can run inside another program, not {self.options.pool!r}")
        self.import_modules()
        return registry.load(self.options.pool)(Parts(self.app, self.options, SystemClock()), SystemClock())

    def _prepare(self) -> Parts:
        app, options = self.app, self.options
        signals.celeryd_init.send(sender=options.hostname, instance=self, conf=app.conf, options=options)
        logs.setup(app, options)
        self.import_modules()
        signals.celeryd_after_setup.send(sender=options.hostname, instance=self, conf=app.conf)
        return Parts(app, options, SystemClock())

    def import_modules(self) -> None:
        """Import every module that may hold tasks, and complete the application."""
        import_modules(self.options.include)
        self.app.import_task_modules()
        self.app.finalize()

    def _show_banner(self, parts: Parts) -> None:
        if not self.options.quiet:
            banner.show(self.app, self.options, parts.queues)
