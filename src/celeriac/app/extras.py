"""The parts of an application that stand on its core: calls by name, results, discovery, the way up to workers and commands."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from celeriac import signals
from celeriac.app import state
from celeriac.app.aliases import Borrowed
from celeriac.app.discovery import autodiscover
from celeriac.app.periodic import periodic_entry
from celeriac.app.security import setup_security
from celeriac.canvas import chain, chord, group, signature
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.urls import censor
from celeriac.model.errors import AlwaysEagerIgnored
from celeriac.results import AsyncResult, GroupResult, ResultSet


class Extras:
    """Mixed into the application; uses nothing but its public names."""

    def send_task(
        self: Any,
        name: str,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        countdown: float | None = None,
        eta: Any = None,
        task_id: str | None = None,
        producer: Any = None,
        connection: Any = None,
        router: Any = None,
        result_cls: Any = None,
        expires: Any = None,
        publisher: Any = None,
        link: Any = None,
        link_error: Any = None,
        add_to_parent: bool = True,
        **options: Any,
    ) -> AsyncResult[Any]:
        """Call a task by its name, which need not be known here; options as in ``apply_async``."""
        if self.conf.task_always_eager:
            warnings.warn(AlwaysEagerIgnored("task_always_eager has no effect on send_task"), stacklevel=2)
        named = {"countdown": countdown, "eta": eta, "task_id": task_id, "expires": expires, "link": link, "link_error": link_error}
        options.update({key: value for key, value in named.items() if value is not None})
        options["add_to_parent"] = add_to_parent
        result: AsyncResult[Any] = self.call(None, name, tuple(args or ()), dict(kwargs or {}), options, result_cls or AsyncResult)
        return result

    def signature(self, *args: Any, **options: Any) -> Any:
        """Return a signature that belongs to this application."""
        return signature(*args, app=self, **options)

    def chain(self, *tasks: Any, **options: Any) -> Any:
        """Return a chain that belongs to this application."""
        return chain(*tasks, app=self, **options)

    def group(self, *tasks: Any, **options: Any) -> Any:
        """Return a group that belongs to this application."""
        return group(*tasks, app=self, **options)

    def chord(self, header: Any = None, body: Any = None, **options: Any) -> Any:
        """Return a chord that belongs to this application."""
        return chord(header, body, app=self, **options)

    def AsyncResult(self, id: str, **options: Any) -> AsyncResult[Any]:
        """Return the result of a task by its id."""
        return AsyncResult(id, app=self, **options)

    def ResultSet(self, results: Iterable[Any], **options: Any) -> ResultSet[Any]:
        """Return several results held as one."""
        return ResultSet(results, app=self, **options)

    @property
    def GroupResult(self) -> Any:
        """The class of group results, bound to this application."""
        return type("GroupResult", (GroupResult,), {"app": self})

    # -- discovery

    def autodiscover_tasks(
        self: Any, packages: Iterable[str] | Callable[[], Iterable[str]] | None = None, related_name: str | None = "tasks", force: bool = False
    ) -> None:
        """Import ``<package>.<related_name>`` of each package: with ``force`` now, else when a worker (or beat) imports its modules."""

        def discover(**_signal: Any) -> None:
            found = packages() if callable(packages) else self._packages() if packages is None else packages
            autodiscover([found] if isinstance(found, str) else found, related_name)

        if force:
            discover()
        else:
            signals.import_modules.connect(discover, sender=self, weak=False)

    def _packages(self: Any) -> list[str]:
        """The packages that frameworks know."""
        return [package for fixup in self.fixups for package in fixup.packages()]

    def import_task_modules(self: Any) -> list[Any]:
        """Import what the settings ``imports`` and ``include`` name and what is to be discovered; a worker does so at its start."""
        found: list[Any] = self.loader.import_default_modules()
        return found

    # -- schedules

    def add_periodic_task(
        self: Any,
        schedule: Any,
        sig: Any,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        **opts: Any,
    ) -> str:
        """Let a task, signature or workflow be sent by a schedule; return the entry's name, by default the signature's text.

        ``opts`` are options of ``apply_async``, and of the entry: relative, timezone, start, end, jitter, misfire, max_lateness, enabled, one_off.
        """
        key, entry = periodic_entry(self, schedule, sig, args, kwargs, name, opts)
        self.periodic[key] = entry
        if self.configured:
            self.enter_periodic(self.conf)
        return key

    def enter_periodic(self: Any, conf: Any) -> None:
        """Put what ``add_periodic_task`` added into the setting ``beat_schedule``."""
        missing = {name: entry for name, entry in self.periodic.items() if (conf.beat_schedule or {}).get(name) is not entry}
        if missing:
            conf.beat_schedule = {**(conf.beat_schedule or {}), **missing}

    @property
    def schedule(self) -> Any:
        """The entries of the schedule store, to be looked at and changed at run time (``beat.admin.Schedule``)."""
        return symbol_by_name("celeriac.beat.admin:Schedule")(self)

    def Beat(self, **options: Any) -> Any:
        """Return a scheduler of this application, to be run in this process."""
        return symbol_by_name("celeriac.beat.boot:Beat")(self, **options)

    # -- queues

    def select_queues(self: Any, queues: Iterable[str]) -> list[Any]:
        """Return the queues of these names."""
        return list(self.queues.to_consume(queues))

    # -- what runs here

    @property
    def current_task(self) -> Any:
        """The task that runs here, or None."""
        return state.get_current_task()

    @property
    def current_worker_task(self) -> Any:
        """The task that a worker runs here, or None."""
        return state.get_current_worker_task()

    # -- upwards, by name: the rooms above are not imported before they are used

    def Worker(self, **options: Any) -> Any:
        """Return a worker of this application, to be run in this process."""
        return symbol_by_name("celeriac.worker.boot:Worker")(self, **options)

    WorkController = Worker

    def start(self, argv: Iterable[str] | None = None) -> Any:
        """Run the command line for this application."""
        arguments = list(sys.argv[1:] if argv is None else argv)
        return symbol_by_name("celeriac.cli.main:run_for")(self, arguments)

    def worker_main(self, argv: Iterable[str] | None = None) -> Any:
        """Run the command ``worker`` for this application."""
        arguments = list(sys.argv if argv is None else argv)
        if "worker" not in arguments:
            arguments = ["worker", *(arguments[1:] if argv is None else arguments)]
        return symbol_by_name("celeriac.cli.main:run_for")(self, arguments)

    def bugreport(self: Any) -> str:
        """Return a text about versions and settings, without passwords, for bug reports."""
        version = symbol_by_name("celeriac:__version__")
        return (
            f"\nsoftware -> celeriac:{version} py:{sys.version.split()[0]}\n"
            f"platform -> system:{os.uname().sysname} arch:{os.uname().machine} imp:{sys.implementation.name}\n"
            f"settings -> broker:{censor(self.broker_url)} results:{censor(self.backend_url or 'disabled')}\n\n"
            f"{self.conf.humanize(with_defaults=False)}\n"
        )

    def setup_security(
        self,
        allowed_serializers: Iterable[str] | None = None,
        key: str | None = None,
        key_password: str | bytes | None = None,
        cert: str | None = None,
        store: str | None = None,
        digest: str | None = None,
        serializer: str = "json",
    ) -> None:
        """Let messages be signed, and only signed ones be read (serializer ``auth``); needs the extra ``auth``."""
        setup_security(allowed_serializers, key, key_password, cert, store, digest, serializer, app=self)

    # -- connections under Celery's names

    def connection_for_write(self: Any, url: str | None = None, **_ignored: Any) -> Borrowed:
        """Return a handle of this process's broker, for programs that pass connections about."""
        return Borrowed(self)

    connection_for_read = connection_or_acquire = producer_or_acquire = default_producer = connection_for_write
    connection = broker_connection = default_connection = connection_for_write
