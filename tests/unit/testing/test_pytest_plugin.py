"""The fixtures, in a pytest of their own that sees a user's project."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = "celeriac.testing.pytest_plugin"

TASKS = """
from celeriac import Celeriac, shared_task

app = Celeriac("proj", broker="redis://nowhere.invalid", backend="redis://nowhere.invalid")


@app.task(autoretry_for=(OSError,), retry_backoff=True, max_retries=3)
def fetch(number):
    if number % 2:
        raise OSError(number)
    return number


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)
"""

CONFTEST = """
import pytest

from proj import app


@pytest.fixture
def celeriac_testing_app():
    return app
"""

SUITE = """
import pytest
from celeriac import chain, chord
from celeriac.testing import assert_enqueued, testing
from proj import add, app, fetch, total


@pytest.mark.parametrize("number", range({count}))
def test_one(celeriac_testing, number):
    assert celeriac_testing.sent == []
    kind = number % 5
    if kind == 0:
        assert add.delay(number, 1).get() == number + 1
    elif kind == 1:
        result = fetch.delay(1)
        celeriac_testing.advance(60, work=True)
        assert result.state == "FAILURE"
        assert_enqueued(fetch, times=4)
    elif kind == 2:
        assert chord([add.s(n, n) for n in range(4)], total.s()).delay().get() == 12
    elif kind == 3:
        late = add.apply_async((1, 2), countdown=3600, expires=1800)
        celeriac_testing.advance(3600)
        celeriac_testing.drain()
        assert late.state == "REVOKED"
    else:
        assert chain(add.s(1, 1), add.s(2)).delay().get() == 4
"""

AS_CELERY_HAS_THEM = '''
import logging
import threading
import pytest
from celeriac import Task, current_app, shared_task


class Double(Task):
    name = "double"

    def run(self, x):
        return 2 * x


@pytest.fixture(scope="session")
def celery_config():
    return {"result_extended": True, "task_default_queue": "tests"}


@pytest.fixture(scope="session")
def celery_class_tasks():
    return [Double]


@pytest.fixture(scope="session")
def celery_parameters():
    return {"strict_typing": False}


@pytest.fixture(scope="session")
def celery_enable_logging():
    return True


@pytest.fixture(scope="session")
def celery_worker_pool():
    return "threads"


@pytest.fixture(scope="session")
def celery_worker_parameters():
    return {"queues": ["tests", "others"], "concurrency": 2}


@pytest.fixture(scope="session")
def celery_includes():
    return ["included"]


def test_a_task_that_the_test_defines(celery_app, celery_worker):
    @celery_app.task
    def mul(x, y):
        return x * y

    celery_worker.reload()
    result = mul.delay(4, 4)
    assert result.get(timeout=10) == 16
    assert result.queue == "tests"
    assert current_app.main == celery_app.main


def test_parameters_of_application_and_worker_count(celery_app, celery_worker):
    @celery_app.task
    def where(**options):
        return threading.current_thread() is threading.main_thread(), logging.getLogger("celeriac").isEnabledFor(logging.WARNING)

    assert celery_app.strict_typing is False
    assert where.apply_async(kwargs={"any": "thing"}, queue="others").get(timeout=10) == [False, True]
    assert (celery_worker.options.pool, celery_worker.options.concurrency) == ("threads", 2)


@pytest.mark.celery(result_extended=False, task_default_queue="marked")
def test_the_marker_changes_settings(celery_app):
    assert celery_app.conf.task_default_queue == "marked"


def test_stores_are_each_tests_own(celery_app):
    assert celery_app.conf.task_default_queue == "tests"
    assert celery_app.broker.depth("tests") == 0
    celery_app.send_task("any")


def test_stores_are_each_tests_own_indeed(celery_app):
    assert celery_app.broker.depth("tests") == 0


def test_the_session_worker_knows_what_it_was_given(celery_session_app, celery_session_worker):
    assert celery_session_app.send_task("double", (4,)).get(timeout=10) == 8
    assert celery_session_app.send_task("included.hello").get(timeout=10) == "hello"
    assert celery_session_app.send_task("celery.ping").get(timeout=10) == "pong"


class TestTrap:
    @pytest.fixture(scope="class")
    def use_celery_app_trap(self):
        return True

    def test_depending_on_the_current_application_is_allowed_by_name(self, celery_app, depends_on_current_app):
        assert current_app.main == celery_app.main


@pytest.mark.celery(task_default_queue="outer")
class TestMarks:
    @pytest.mark.celery(task_default_queue="inner")
    def test_the_nearest_marker_wins(self, celery_app):
        assert celery_app.conf.task_default_queue == "inner"
'''


def run(folder: Path, *options: str, plugin: tuple[str, ...] = ("-p", PLUGIN), **environment: str) -> tuple[str, float]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELERY_", "CELERIAC_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:celeriac", *plugin, "-p", "no:cacheprovider", "-q", "--strict-markers", *options]
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=120, check=False)
    seconds = time.monotonic() - began
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout, seconds


def project(folder: Path, suite: str) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "proj.py").write_text(TASKS)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_suite.py").write_text(suite)
    return folder


def test_a_hundred_tests_of_real_tasks_take_seconds(tmp_path: Path) -> None:
    """The bar is ten seconds for five hundred on a quiet machine; this one may be busy, and starts an interpreter each time."""
    folder = project(tmp_path, SUITE.format(count=100))

    output, seconds = min((run(folder) for _ in range(2)), key=lambda each: each[1])

    assert "100 passed" in output
    assert seconds < 8.0


def test_the_fixtures_are_those_that_people_know_from_celery(tmp_path: Path) -> None:
    project(tmp_path, AS_CELERY_HAS_THEM)
    (tmp_path / "included.py").write_text("from celeriac import shared_task\n\n\n@shared_task\ndef hello():\n    return 'hello'\n")

    output, _ = run(tmp_path, "-p", "no:randomly")

    assert "8 passed" in output


def test_the_drop_in_gives_the_fixtures_by_celerys_name(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ("celery.contrib.pytest",)\n')
    (tmp_path / "test_it.py").write_text("""
import pytest
from celery.contrib.testing.worker import start_worker


@pytest.mark.celery(result_extended=True)
def test_it(celery_app, celery_worker):
    result = celery_app.send_task("celery.ping")
    assert (result.get(timeout=10), result.name) == ("pong", "celery.ping")
    assert callable(start_worker)
""")

    assert "1 passed" in run(tmp_path, plugin=(), PYTHONPATH=str(ROOT / "dropin" / "src"))[0]


def test_the_trap_catches_code_that_uses_the_current_application(tmp_path: Path) -> None:
    project(tmp_path, """
import pytest
from celeriac import current_app, shared_task


@pytest.fixture(scope="session")
def use_celery_app_trap():
    return True


def test_it(celery_app):
    with pytest.raises(RuntimeError, match="'conf'.*celery_app"):
        current_app.conf
    assert celery_app.conf.timezone == "UTC"
""")

    assert "1 passed" in run(tmp_path)[0]


def test_the_environment_names_other_stores_and_leaves_out_the_worker(tmp_path: Path) -> None:
    project(tmp_path, """
def test_it(celery_app, celery_worker):
    assert celery_worker is None
    assert celery_app.broker_url == "memory://there"
    assert celery_app.backend_url == "cache+memory://there"
""")

    assert "1 passed" in run(tmp_path, NO_WORKER="1", TEST_BROKER="memory://there", TEST_BACKEND="cache+memory://there")[0]


def test_without_an_application_the_fixture_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text("def test_it(celeriac_testing):\n    pass\n")

    with pytest.raises(AssertionError, match="define the fixture celeriac_testing_app"):
        run(tmp_path)


def test_the_plugin_is_found_by_itself_and_loads_no_worker() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    code = f"import sys, {PLUGIN}; print([name for name in sys.modules if name.startswith(('celeriac.worker', 'celeriac.drivers.'))])"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert {"celeriac": PLUGIN} == declared
    assert "worker" not in loaded
