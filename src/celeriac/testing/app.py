"""Applications for tests, and a guard against code that falls back to the current one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from celeriac.app.app import Celeriac
from celeriac.contracts.current import present_client, set_current_client
from celeriac.drivers.memory.backend import forget_results
from celeriac.drivers.memory.store import forget_store
from celeriac.lib.ids import uuid
from celeriac.testing.tasks import add_ping

DEFAULT_TEST_CONFIG: dict[str, Any] = {
    "accept_content": ["json"],
    "broker_heartbeat": 0,
    "broker_url": "memory://",
    "enable_utc": True,
    "result_backend": "cache+memory://",
    "timezone": "UTC",
    "worker_hijack_root_logger": False,
    "worker_log_color": False,
}
"""Settings of test applications. Each one has a store in memory of its own, unless TEST_BROKER and TEST_BACKEND in the environment name others."""


def TestApp(
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    enable_logging: bool = False,
    set_as_current: bool = False,
    log: Any = None,
    backend: Any = None,
    broker: Any = None,
    **parameters: Any,
) -> Celeriac:
    """Return an application for a test: ``config`` over ``DEFAULT_TEST_CONFIG``; other arguments are those of an application.

    ``enable_logging`` and ``log`` are there for Celery's sake: workers in a test's process leave the logging of that process alone.
    """
    own = uuid()
    environment = {"broker_url": os.environ.get("TEST_BROKER"), "result_backend": os.environ.get("TEST_BACKEND")}
    stores = {"broker_url": f"memory://{own}", "result_backend": f"cache+memory://{own}"}
    given = {"broker_url": broker, "result_backend": backend}
    settings = {**DEFAULT_TEST_CONFIG, **stores, **_present(environment), **(config or {}), **_present(given)}
    app = Celeriac(name or "celery.tests", set_as_current=set_as_current, changes=settings, **parameters)
    app.config_from_object({})
    add_ping(app)
    return app


setattr(TestApp, "__test__", False)  # noqa: B010 (a function has no such attribute for mypy)


def let_go(app: Celeriac) -> None:
    """Close a test application and empty its store in memory."""
    for url in (app.broker_url, app.backend_url or ""):
        scheme, _, name = url.partition("://")
        if scheme in ("memory", "cache+memory") and name:
            forget_store(name)
            forget_results(name)
    app.close()


class Trap:
    """Stands in the place of the current application and refuses everything: code that should be handed its application is found by it."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        raise RuntimeError(f"The current application was asked for {name!r}: this code is to be given its application (celery_app) instead")


@contextmanager
def set_trap(app: Any = None) -> Iterator[None]:
    """Let a ``Trap`` be the current application in the block."""
    with _current(Trap()):
        yield


@contextmanager
def setup_default_app(app: Any, use_trap: bool = False) -> Iterator[None]:
    """Make an application (or, with ``use_trap``, a ``Trap``) the current one in the block; then it is again the one that was."""
    with _current(Trap() if use_trap else app):
        yield


@contextmanager
def _current(client: Any) -> Iterator[None]:
    before = present_client()
    set_current_client(client)
    try:
        yield
    finally:
        set_current_client(before)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
