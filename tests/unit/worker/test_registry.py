from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from celeriac.lib.clock import Clock
from celeriac.model.errors import ImproperlyConfigured, MissingExtra
from celeriac.worker.executors import registry
from celeriac.worker.executors.contract import Executor
from celeriac.worker.executors.solo import Solo
from celeriac.worker.executors.threads import Threads


class Mine(Executor):
    """An executor of a user's own."""

    def __init__(self, parts: Any, clock: Clock) -> None:
        self.parts = parts

    def run(self) -> int:
        return 7


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("processes", "prefork"),
        ("celery.concurrency.thread:TaskPool", "threads"),
        ("celery.concurrency.gevent:TaskPool", "gevent"),
        ("threads", "threads"),
        ("mypkg:MyExecutor", "mypkg:MyExecutor"),
        ("mypkg.pools.MyExecutor", "mypkg.pools.MyExecutor"),
    ],
)
def test_executors_are_known_by_their_names_and_paths(given: str, expected: str) -> None:
    assert expected == registry.executor_name(given)


def test_an_executor_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ImproperlyConfigured, match="'treads' does not exist; there are prefork, solo, threads, asyncio, gevent, eventlet"):
        registry.executor_name("treads")


def test_custom_is_the_one_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(registry.CUSTOM, "mypkg:MyExecutor")
    assert registry.executor_name("custom") == "mypkg:MyExecutor"

    monkeypatch.delenv(registry.CUSTOM)
    with pytest.raises(ImproperlyConfigured, match="CELERY_CUSTOM_WORKER_POOL names, which is not set"):
        registry.executor_name("custom")


def test_executors_are_imported_by_name() -> None:
    assert registry.load("solo") is Solo
    assert registry.load("threads") is Threads


def test_an_executor_of_ones_own_is_loaded_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mypkg", sys.modules[__name__])

    assert registry.load("mypkg:Mine") is Mine


@pytest.mark.parametrize("path", ["no.such.module:Thing", "celeriac.worker.pace:Nothing"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be imported"):
        registry.load(path)


def test_a_class_that_is_no_executor_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="is not an executor of celeriac"):
        registry.load("celeriac.worker.pace:Pace")


@pytest.mark.parametrize("name", ["gevent", "eventlet"])
def test_a_library_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"celeriac.worker.executors.green_{name}", raising=False)

    with pytest.raises(MissingExtra, match=rf"install celeriac\[{name}\]"):
        registry.load(name)


def test_nobody_imports_a_green_library_who_does_not_use_it() -> None:
    program = "import sys, celeriac.worker.boot, celeriac.worker.executors.threads; print({'gevent', 'eventlet', 'uvloop'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "set()"
