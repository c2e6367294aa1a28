"""Putting a scheduler together: which one, on which store, with which log; ``Celeriac.Beat`` makes one."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from celeriac import signals
from celeriac.beat import stores
from celeriac.beat.celery_service import Service, scheduler_class
from celeriac.beat.families import SchedulerFamilies
from celeriac.beat.loop import LOOK, Loop
from celeriac.beat.persistent import PersistentScheduler
from celeriac.beat.reconcile import Change
from celeriac.beat.service import Rounds
from celeriac.lib.clock import Clock, SystemClock
from celeriac.lib.ids import uuid
from celeriac.lib.machine import hostname
from celeriac.lib.urls import censor
from celeriac.worker import banner, logs
from celeriac.worker.monitor.address import listen
from celeriac.worker.monitor.contact import Contact
from celeriac.worker.monitor.monitor import Monitor
from celeriac.worker.options import WorkerOptions, level
from celeriac.worker.stdouts import restore_stdouts

logger = logging.getLogger("celeriac.beat")


class Beat:
    """A scheduler that has not been started, or runs. ``scheduler`` is a class, its path or its name; None takes the setting's."""

    def __init__(
        self,
        app: Any,
        *,
        scheduler: Any = None,
        scheduler_cls: Any = None,
        schedule: str | None = None,
        max_interval: float | None = None,
        loglevel: int | str = "WARNING",
        logfile: str | None = None,
        no_color: bool | None = None,
        quiet: bool = False,
        metrics: str | None = None,
        clock: Clock | None = None,
        **_celery: Any,
    ) -> None:
        self.app = app
        self.schedule = schedule or app.conf.beat_schedule_filename
        self.max_interval = max_interval or app.conf.beat_max_loop_interval or None
        for fixup in app.fixups:
            fixup.prepare()  # schedulers that packages bring import models
        chosen = scheduler or scheduler_cls or app.conf.beat_scheduler
        store = stores.named(chosen)
        if store is not None and not app.conf.beat_store:
            app.conf.beat_store = store
        self.scheduler_cls = PersistentScheduler if store is not None else scheduler_class(chosen)
        self.quiet = quiet
        self._filename = schedule
        self.metrics = metrics or app.conf.beat_metrics_address
        self.contact = Contact(clock or SystemClock())
        self._clock = clock or SystemClock()
        self._log = WorkerOptions(hostname=f"beat@{hostname()}", loglevel=level(loglevel), logfile=logfile, colour=False if no_color else None)

    def run(self) -> int:
        """Schedule until told to stop; return the exit status."""
        self.set_up()
        if not self.quiet:
            self._show_banner()
        try:
            self.serve(self.service())
        finally:
            restore_stdouts()
        return 0

    def serve(self, service: Any) -> None:
        """Run a service until a signal ends it, and answer scrapes and probes meanwhile."""
        if self.metrics:
            loop = service.loop if self.native else None
            Monitor(service.contact, self._clock, SchedulerFamilies(service.contact, loop, self._clock)).start(listen(self.metrics))
        # From another thread: the one that the signal interrupts may be inside of what ``stop`` needs.
        stop = threading.Thread(target=service.stop, name="stop", daemon=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None if stop.ident else stop.start())
        service.start()

    def set_up(self) -> None:
        """Import what the settings name and open the log."""
        logs.setup(self.app, self._log)
        self.app.import_task_modules()
        self.app.finalize()

    def service(self, *, embedded: bool = False) -> Any:
        """Return what runs the scheduler: it has ``start`` and ``stop``."""
        if not self.native:
            return Service(self.app, max_interval=self.max_interval, schedule_filename=self.schedule, scheduler_cls=self.scheduler_cls)
        return Rounds(self.loop(), _announce_embedded if embedded else _announce, self.contact)

    def loop(self) -> Loop:
        """Return the scheduler of this house."""
        return Loop(
            self.app,
            stores.open_store(self.app, self._filename),
            clock=self._clock,
            candidate=f"beat@{hostname()}/{os.getpid()}-{uuid()[-6:]}",
            space=stores.space_of(self.app),
            lease=self.app.conf.seconds("beat_lease"),
            look=min(LOOK, self.max_interval or LOOK),
            tell=_tell,
        )

    @property
    def native(self) -> bool:
        """Whether the scheduler is this house's own, for which Celery's default stands too."""
        return self.scheduler_cls is PersistentScheduler

    def _show_banner(self) -> None:
        if sys.__stdout__ is not None:
            sys.__stdout__.write(self.banner() + "\n")
            sys.__stdout__.flush()

    def banner(self) -> str:
        """Say what is started."""
        app = self.app
        where = stores.shown(app, self._filename) if self.native else f"{self.scheduler_cls.__module__}.{self.scheduler_cls.__qualname__}"
        lines = ["", f" {self._log.hostname}  celeriac {banner.release()}", "", " [config]"]
        rows = [("app", app.main or "__main__"), ("broker", censor(app.broker_url)), ("schedule" if self.native else "scheduler", where)]
        if self._log.logfile:
            rows.append(("log", self._log.logfile))
        return "\n".join([*lines, *(f" .> {name + ':':12} {value}" for name, value in rows), ""])


def _announce(service: Any) -> None:
    signals.beat_init.send(sender=service)


def _announce_embedded(service: Any) -> None:
    _announce(service)
    signals.beat_embedded_init.send(sender=service)


def _tell(changes: Sequence[Change], count: int) -> None:
    rest = f"\n... and {count - len(changes)} more" if count > len(changes) else ""
    logger.warning("The schedule in the store now agrees with the code:\n%s%s", "\n".join(map(str, changes)), rest)
