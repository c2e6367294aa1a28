"""Processes that begin as fresh interpreters and import the application again (``worker_pool_start_method``: spawn, forkserver).

They inherit sockets and shared memory by file descriptor; from then on they are what forked ones are. ``multiprocessing`` starts them.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any

from celeriac.lib.clock import SystemClock
from celeriac.lib.importing import symbol_by_name
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured
from celeriac.worker import logs
from celeriac.worker.boot import Worker
from celeriac.worker.children import Ended, Stopped, die_with, was_stopped
from celeriac.worker.crew import Crew, Role, Shared, ignore_signals
from celeriac.worker.inheritance import Inheritable
from celeriac.worker.options import WorkerOptions
from celeriac.worker.parts import Parts
from celeriac.worker.starting import Starter


class Seed(Value, frozen=True):
    """What a fresh process has to know to become part of a worker."""

    app: str
    """Where the application is, as module:attribute."""
    settings: dict[str, Any]
    options: WorkerOptions
    owner: str
    supervisor: int | None
    """The process id of its parent, when the supervisor itself is that."""


class Fresh(Starter):
    """Starts them by ``spawn`` or ``forkserver``."""

    def __init__(self, parts: Parts, shared: Shared, method: str) -> None:
        self._context: Any = multiprocessing.get_context(method)
        self._shared = shared
        self._direct = method == "spawn"
        self._seed = Seed(location_of(parts.app), settings_of(parts.app.conf), parts.options, parts.owner, os.getpid() if self._direct else None)
        self._lifeline, self._held = (Inheritable(end) for end in os.pipe())
        self._processes: dict[int, BaseProcess] = {}
        if not self._direct:
            # Imported once, by the process that they are all forked from: it has no threads and no connections.
            self._context.set_forkserver_preload([self._seed.app.partition(":")[0], __name__])

    def start(self, role: Role, number: int) -> int:
        process = self._context.Process(target=become, args=(self._seed, self._shared, self._lifeline, role, number), name=f"{role} {number}")
        process.start()
        pid = int(process.pid)
        self._processes[pid] = process
        if not self._direct:
            # It is not our child: no signal tells of its end.
            threading.Thread(target=self._wake_at_end, args=(process.sentinel,), name="undertaker", daemon=True).start()
        return pid

    def _wake_at_end(self, sentinel: int) -> None:
        connection.wait([sentinel])
        self._shared.wake_supervisor()

    def reap(self) -> Sequence[Ended | Stopped]:
        ended: list[Ended | Stopped] = []
        for pid, process in list(self._processes.items()):
            if self._direct and was_stopped(pid):
                ended.append(Stopped(pid))
            code = process.exitcode
            if code is not None:
                del self._processes[pid]
                ended.append(Ended(pid, code, None) if code >= 0 else Ended(pid, None, -code))
        return ended


def become(seed: Seed, shared: Shared, lifeline: Inheritable, role: Role, number: int) -> None:
    """Be one process of a worker; called in a fresh interpreter."""
    ignore_signals()
    die_with(seed.supervisor)
    threading.Thread(target=_end_with, args=(lifeline.number,), name="lifeline", daemon=True).start()
    app = symbol_by_name(seed.app)
    app.set_current()
    app.conf.override(seed.settings)
    logs.setup(app, seed.options)
    Worker(app, seed.options).import_modules()
    clock = SystemClock()
    parts = Parts(app, seed.options, clock, seed.owner)
    sys.exit(Crew(parts, shared, clock).play(role, number))


def _end_with(lifeline: int) -> None:
    """Wait for the supervisor's end, however it comes."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def location_of(app: Any) -> str:
    """Return where an application can be imported from, as module:attribute."""
    found = [
        f"{name}:{attribute}"
        for name, module in list(sys.modules.items())
        for attribute, value in list(getattr(module, "__dict__", {}).items())
        if value is app and not (name.startswith("celeriac.") or name == "celeriac")
    ]
    if not found:
        raise ImproperlyConfigured(
            f"{app!r} is not an attribute of any module: processes that begin by spawn or forkserver could not import it. "
            "Assign it at a module's top level"
        )
    # Where it was made rather than where it was imported to; the main program only when nothing else has it.
    return min(found, key=lambda place: (place.startswith("__main__:"), place.count("."), len(place)))


def settings_of(conf: Any) -> dict[str, Any]:
    """Return the settings of the command line, and of a configuration that only this process may have been told of; what cannot travel stays."""
    layers = conf.sources()
    names = [*layers["config"], *layers["command line"]]
    return {name: conf[name] for name in names if _travels(conf[name])}


def _travels(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True
