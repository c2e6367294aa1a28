"""The composition root of a worker: the one place where its parts are built and put together."""

from __future__ import annotations

import logging
from typing import Any

from celeriac import signals
from celeriac.app.discovery import import_modules
from celeriac.lib.clock import SystemClock
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.reexec import start_again
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker import banner, breakpoints, logs, steps
from celeriac.worker.executors import registry
from celeriac.worker.executors.contract import Executor
from celeriac.worker.inheritance import Inheritable
from celeriac.worker.monitor.address import listen
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
        try:
            parts = self._prepare()
        except BaseException:
            # Whoever reports it writes to the terminal, not to a log that nobody reads yet.
            restore_stdouts()
            raise
        self._show_banner(parts)
        # First: it must not inherit the sockets of the executor's processes, whose end they notice by them.
        scheduler = self._begin_scheduler()
        try:
            if self.options.metrics:
                parts.listener = Inheritable(listen(self.options.metrics))
            self._executor = executor(parts, SystemClock())
            self.exitcode = self._executor.run()
        finally:
            if scheduler is not None:
                scheduler.stop()
            restore_stdouts()
        if self._executor.restart:
            start_again()
        return self.exitcode

    def run_in_thread(self) -> Any:
        """Return an executor made for this worker (``executors.inprocess.InProcess``), to be run by a thread of a program that does other things."""
        if self.options.pool not in IN_THREAD:
            raise ImproperlyConfigured(f"Only the executors {' and '.join(IN_THREAD)} can run inside another program, not {self.options.pool!r}")
        self.import_modules()
        parts = Parts(self.app, self.options, SystemClock())
        if self.options.metrics:
            parts.listener = Inheritable(listen(self.options.metrics))
        return registry.load(self.options.pool)(parts, SystemClock())

    def _prepare(self) -> Parts:
        app, options = self.app, self.options
        # First of all, as Celery has it: receivers in any of these modules hear what follows.
        self.import_modules()
        steps.check(app)
        breakpoints.listen()
        signals.celeryd_init.send(sender=options.hostname, instance=self, conf=app.conf, options=options)
        signals.worker_init.send(sender=self)
        logs.setup(app, options)
        signals.celeryd_after_setup.send(sender=options.hostname, instance=self, conf=app.conf)
        return Parts(app, options, SystemClock())

    def import_modules(self) -> None:
        """Import every module that may hold tasks, and complete the application."""
        # What frameworks make ready (Django's apps) comes before any module with tasks.
        self.app.import_task_modules()
        import_modules(self.options.include)
        self.app.loader.listen()
        self.app.finalize()

    def _begin_scheduler(self) -> Any:
        if not self.options.beat:
            return None
        # By name: the scheduler stands above the worker, and most workers have none.
        keeper = symbol_by_name("celeriac.beat.embedded:Keeper")(
            self.app, schedule=self.options.schedule_filename, scheduler=self.options.scheduler
        )
        keeper.start()
        return keeper

    def _show_banner(self, parts: Parts) -> None:
        if not self.options.quiet:
            banner.show(self.app, self.options, parts.queues)
