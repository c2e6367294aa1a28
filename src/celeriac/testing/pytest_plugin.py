"""Fixtures for tests with pytest. The plugin defines them and does nothing else: what they need is imported when one is used."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from celeriac.lib.importing import symbol_by_name

NO_WORKER = os.environ.get("NO_WORKER")
"""Set in the environment, ``celery_worker`` and ``celery_session_worker`` start none: one that runs elsewhere is to do the work."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "celery(**overrides): settings of the application that the fixtures make for this test")


def _overrides(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the settings of the markers of a test, those that stand nearest to it above the others."""
    found: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("celery"))):
        found.update(marker.kwargs)
    return found


def _made(config: Mapping[str, Any], parameters: Mapping[str, Any], logs: bool, trap: bool) -> Iterator[Any]:
    app = symbol_by_name("celeriac.testing.app:TestApp")(config=config, enable_logging=logs, **parameters)
    try:
        with symbol_by_name("celeriac.testing.app:setup_default_app")(app, use_trap=trap):
            yield app
    finally:
        symbol_by_name("celeriac.testing.app:let_go")(app)


def _working(app: Any, pool: str, parameters: Mapping[str, Any], logs: bool) -> Iterator[Any]:
    logger = logging.getLogger("celeriac")
    before = logger.level
    if logs:
        logger.setLevel(logging.INFO)
    try:
        with ExitStack() as stack:
            start = symbol_by_name("celeriac.testing.worker:start_worker")
            yield None if NO_WORKER else stack.enter_context(start(app, **{"pool": pool, **parameters}))
    finally:
        logger.setLevel(before)


@pytest.fixture(scope="session")
def celery_config() -> Mapping[str, Any]:
    """Redefine it to return the settings of the applications that the fixtures make."""
    return {}


@pytest.fixture(scope="session")
def celery_parameters() -> Mapping[str, Any]:
    """Redefine it to return further arguments of these applications, such as ``task_cls`` and ``strict_typing``."""
    return {}


@pytest.fixture(scope="session")
def celery_includes() -> Sequence[str]:
    """Redefine it to return the names of modules that ``celery_session_worker`` imports."""
    return ()


@pytest.fixture(scope="session")
def celery_class_tasks() -> Sequence[Any]:
    """Redefine it to return class-based tasks that ``celery_session_worker`` registers."""
    return ()


@pytest.fixture(scope="session")
def celery_worker_pool() -> str:
    """Redefine it to return another executor of the workers: solo, threads or asyncio."""
    return "solo"


@pytest.fixture(scope="session")
def celery_worker_parameters() -> Mapping[str, Any]:
    """Redefine it to return further options of the workers, such as ``queues`` and ``perform_ping_check``."""
    return {}


@pytest.fixture(scope="session")
def celery_enable_logging() -> bool:
    """Redefine it to return True, and the workers log what tasks do."""
    return False


@pytest.fixture(scope="session")
def use_celery_app_trap() -> bool:
    """Redefine it to return True, and whatever uses the current application instead of ``celery_app`` fails."""
    return False


@pytest.fixture(scope="session")
def celery_session_app(
    celery_config: Mapping[str, Any], celery_parameters: Mapping[str, Any], celery_enable_logging: bool, use_celery_app_trap: bool
) -> Iterator[Any]:
    """An application for all tests."""
    yield from _made(celery_config, celery_parameters, celery_enable_logging, use_celery_app_trap)


@pytest.fixture(scope="session")
def celery_session_worker(
    celery_session_app: Any,
    celery_includes: Sequence[str],
    celery_class_tasks: Sequence[Any],
    celery_worker_pool: str,
    celery_worker_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
) -> Iterator[Any]:
    """A worker of ``celery_session_app``, for all tests."""
    for module in celery_includes:
        celery_session_app.loader.import_task_module(module)
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    yield from _working(celery_session_app, celery_worker_pool, celery_worker_parameters, celery_enable_logging)


@pytest.fixture
def celery_app(
    request: pytest.FixtureRequest,
    celery_config: Mapping[str, Any],
    celery_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
    use_celery_app_trap: bool,
) -> Iterator[Any]:
    """An application of this test's own; the marker ``celery`` changes its settings."""
    yield from _made({**celery_config, **_overrides(request)}, celery_parameters, celery_enable_logging, use_celery_app_trap)


@pytest.fixture
def celery_worker(
    celery_app: Any,
    celery_includes: Sequence[str],
    celery_worker_pool: str,
    celery_worker_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
) -> Iterator[Any]:
    """A worker of ``celery_app``."""
    for module in celery_includes:
        celery_app.loader.import_task_module(module)
    yield from _working(celery_app, celery_worker_pool, celery_worker_parameters, celery_enable_logging)


@pytest.fixture
def depends_on_current_app(celery_app: Any) -> None:
    """For tests of code that uses the current application: it is ``celery_app``, whatever ``use_celery_app_trap`` says."""
    celery_app.set_current()


@pytest.fixture
def celeriac_testing_app() -> Any:
    """Redefine it to return the application that ``celeriac_testing`` tests: by default the current one."""
    found = symbol_by_name("celeriac.contracts.current:present_client")()
    if found is None:
        pytest.fail("No application has been made yet. Import yours, or define the fixture celeriac_testing_app in conftest.py to return it.")
    return found


@pytest.fixture
def celeriac_testing(request: pytest.FixtureRequest, celeriac_testing_app: Any) -> Iterator[Any]:
    """The application's broker, worker and time, in this test's hands (``celeriac.testing.testing``); the marker ``celery`` changes settings."""
    with symbol_by_name("celeriac.testing.stand:Stand")(celeriac_testing_app, **_overrides(request)) as stand:
        yield stand
