"""The executors by name. Each is imported only when it is used: gevent and eventlet must not be imported by anybody else."""

from __future__ import annotations

import os
from collections.abc import Mapping

from celeriac.lib.importing import symbol_by_name
from celeriac.lib.value import Value
from celeriac.model.errors import ImproperlyConfigured, MissingExtra
from celeriac.worker.executors.contract import Executor

CUSTOM = "CELERY_CUSTOM_WORKER_POOL"
"""The environment variable that names the executor of ``-P custom``, as Celery has it."""


class Known(Value, frozen=True):
    """One of our own executors: where it is, what it can do, and the extra that it needs."""

    path: str
    soft_limits: bool = False
    hard_limits: bool = False
    resizes: bool = True
    """Whether it can run more or fewer jobs side by side while it works."""
    extra: str | None = None


EXECUTORS: Mapping[str, Known] = {
    "prefork": Known("celeriac.worker.executors.prefork:Prefork", soft_limits=True, hard_limits=True),
    "solo": Known("celeriac.worker.executors.solo:Solo", resizes=False),
    "threads": Known("celeriac.worker.executors.threads:Threads"),
    "asyncio": Known("celeriac.worker.executors.coroutines:Coroutines", soft_limits=True, hard_limits=True),
    "gevent": Known("celeriac.worker.executors.green_gevent:Gevent", soft_limits=True, hard_limits=True, extra="gevent"),
    "eventlet": Known("celeriac.worker.executors.green_eventlet:Eventlet", soft_limits=True, hard_limits=True, extra="eventlet"),
}

_CELERYS = {"prefork": "prefork", "solo": "solo", "thread": "threads", "gevent": "gevent", "eventlet": "eventlet"}
ALIASES = {"processes": "prefork", **{f"celery.concurrency.{module}:TaskPool": name for module, name in _CELERYS.items()}}
"""Other names: Celery's old one, and the classes by which settings name Celery's own pools."""


def executor_name(value: str) -> str:
    """Return the name of an executor as ``load`` takes it: one of ours, or the path of a class; ``ImproperlyConfigured`` names those that exist."""
    if value == "custom":
        value = os.environ.get(CUSTOM, "")
        if not value:
            raise ImproperlyConfigured(f"The executor 'custom' is the one that the environment variable {CUSTOM} names, which is not set")
    name = ALIASES.get(value, value)
    if name in EXECUTORS or ":" in name or "." in name:
        return name
    raise ImproperlyConfigured(
        f"The executor (pool) {value!r} does not exist; there are {', '.join(EXECUTORS)}, and paths of classes of your own: -P package.module:Class"
    )


def load(name: str) -> type[Executor]:
    """Import an executor and return its class."""
    known = EXECUTORS.get(name)
    try:
        found = symbol_by_name(name if known is None else known.path)
    except ImportError as error:
        if known is None:
            raise ImproperlyConfigured(f"The executor (pool) {name!r} cannot be imported: {error}") from error
        if known.extra is None or error.name is None or error.name.partition(".")[0] != known.extra:
            raise
        raise MissingExtra(f"The executor {name!r} needs {known.extra}: install celeriac[{known.extra}]") from error
    except AttributeError as error:
        raise ImproperlyConfigured(f"The executor (pool) {name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Executor)):
        raise ImproperlyConfigured(
            f"{name!r} is not an executor of celeriac (pools made for Celery do not fit): derive it from celeriac.worker.executors.contract.Executor"
        )
    return found


def find_executor(name: str) -> type[Executor]:
    """Return an executor's class by any of its names, or its path."""
    return load(executor_name(name))


def executor_names() -> tuple[str, ...]:
    """Return the names of the executors."""
    return tuple(EXECUTORS)
