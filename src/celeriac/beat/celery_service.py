"""Celery's ``Service``: runs a scheduler that somebody else has written, in a loop."""

from __future__ import annotations

import logging
import threading
from functools import cached_property
from importlib import import_module
from typing import Any

from celeriac import signals
from celeriac.beat.celery_scheduler import DEFAULT_MAX_INTERVAL
from celeriac.beat.persistent import PersistentScheduler
from celeriac.lib.clock import SystemClock
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.signpost import reach
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker.monitor.contact import Contact

logger = logging.getLogger("celeriac.beat")

NAMESPACE = "celery.beat_schedulers"
"""Entry points by which packages name their schedulers."""
_OWN_MODULE = "celery.beat"


class Service:
    """One scheduler and its loop."""

    scheduler_cls: Any = PersistentScheduler

    def __init__(self, app: Any, max_interval: float | None = None, schedule_filename: str | None = None, scheduler_cls: Any = None) -> None:
        self.app = app
        self.max_interval = max_interval or app.conf.beat_max_loop_interval
        self.scheduler_cls = scheduler_cls or self.scheduler_cls
        self.schedule_filename = schedule_filename or app.conf.beat_schedule_filename
        self._is_shutdown = threading.Event()
        self._is_stopped = threading.Event()
        self.contact = Contact(SystemClock())

    def start(self, embedded_process: bool = False) -> None:
        """Run until ``stop``."""
        logger.info("The scheduler %s starts.", type(self.scheduler).__name__)
        signals.beat_init.send(sender=self)
        if embedded_process:
            signals.beat_embedded_init.send(sender=self)
        reach("beat.ready")
        pulse = self.contact.pulse("scheduling")
        try:
            while not self._is_stopped.is_set():
                pulse.beat()
                with self.contact.call("schedule"):
                    pause = self.scheduler.tick()
                self.contact.connected = True
                if pause and pause > 0.0:
                    # It may sleep for minutes, if it likes.
                    pulse.busy = True
                    self._is_stopped.wait(pause)
                    pulse.busy = False
                    if self.scheduler.should_sync():
                        self.scheduler._do_sync()
        finally:
            self.sync()

    def sync(self) -> None:
        """Let the scheduler write down what it knows, and close it."""
        self.scheduler.close()
        self._is_shutdown.set()

    def stop(self, wait: bool = False) -> None:
        """End the loop; ``wait`` until it has ended."""
        self._is_stopped.set()
        if wait:
            self._is_shutdown.wait()

    def get_scheduler(self, lazy: bool = False, extension_namespace: str = NAMESPACE) -> Any:
        """Return a new scheduler; ``lazy`` ones have not loaded their entries."""
        kind = scheduler_class(self.scheduler_cls, extension_namespace)
        return kind(app=self.app, schedule_filename=self.schedule_filename, max_interval=self.max_interval, lazy=lazy)

    @cached_property
    def scheduler(self) -> Any:
        """The scheduler, made when first asked for."""
        return self.get_scheduler()

    def __reduce__(self) -> Any:
        return type(self), (self.app, self.max_interval, self.schedule_filename, self.scheduler_cls)


def EmbeddedService(app: Any, max_interval: float | None = None, **kwargs: Any) -> threading.Thread:
    """Return a thread that runs a service; ``stop`` ends it."""
    return _Threaded(app, max_interval=max_interval or DEFAULT_MAX_INTERVAL, **kwargs)


class _Threaded(threading.Thread):
    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(name="Beat", daemon=True)
        self.app = app
        self.service = Service(app, **options)

    def run(self) -> None:
        self.service.start(embedded_process=True)

    def stop(self) -> None:
        """End the service and wait for it."""
        self.service.stop(wait=True)


def scheduler_class(name: Any, namespace: str = NAMESPACE) -> Any:
    """Return the class that a name, dotted path or class stands for; ImproperlyConfigured says what is wrong."""
    if not isinstance(name, str):
        return name
    for module in (f"{_OWN_MODULE}:", f"{_OWN_MODULE}."):
        if name.startswith(module):
            # Under these names Celery has them, also where no package of that name is installed.
            name = f"celeriac.beat.names:{name.removeprefix(module)}"
    if ":" not in name and "." not in name:
        # Reading the installed distributions' metadata is slow: only for plain names.
        found = [*import_module("importlib.metadata").entry_points(group=namespace)]
        for entry in found:
            if entry.name == name:
                return entry.load()
        known = ", ".join(entry.name for entry in found) or "none is installed"
        how = f"give the path of a class (-S package.module:Class) or the name of an entry point ({known})"
        raise ImproperlyConfigured(f"There is no scheduler {name!r}: {how}")
    try:
        return symbol_by_name(name)
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(f"The scheduler {name!r} cannot be imported: {error}") from error
