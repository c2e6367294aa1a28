"""Packages that extend or watch Celery, unchanged, over the drop-in."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.redis_server import running as running_redis
from tests.harness.requirements import lacking
from tests.harness.waiting import PATIENCE, eventually
from tests.thirdparty.test_instrumentation import BIN, Instrumented, running

SPHINX_CONF = "import sys\nsys.path.insert(0, '.')\nextensions = ['celery.contrib.sphinx']\ncelery_task_prefix = '(a task)'\n"
SPHINX_PAGE = "Tasks\n=====\n\n.. automodule:: documented\n   :members:\n   :exclude-members: left_out\n\nSee :task:`documented.add`.\n"
SPHINX_TASKS = '''"""What is documented."""
from celery import Celery
app = Celery("documented", broker="memory://")
@app.task
def add(x: int, y: int = 2) -> int:
    """Add two numbers."""
@app.task(bind=True)
def bound(self, name):
    """Greet somebody."""
@app.task
def left_out():
    """Not to be seen."""
'''


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instrumented]:
    folder = tmp_path_factory.mktemp("packages")
    with running_redis(tmp_path_factory.mktemp("redis")) as redis, running(folder, "packages_tasks", STORE=redis.new_url()) as made:
        yield made


@pytest.fixture(autouse=True)
def held(request: pytest.FixtureRequest) -> None:
    if "packages" in request.fixturenames:
        (request.getfixturevalue("packages").folder / "go").unlink(missing_ok=True)


def test_celery_once_refuses_a_second_call_until_the_first_has_ended(packages: Instrumented) -> None:
    packages.call(
        "first = once.delay(1)\n"
        "try:\n    once.delay(1)\nexcept AlreadyQueued:\n    pass\nelse:\n    raise AssertionError('it was sent twice')\n"
        "other = once.delay(2)\nlet_go()\n"
        "assert [first.get(timeout=30), other.get(timeout=30)] == [1, 2]\n"
        "assert once.delay(1).get(timeout=30) == 1"
    )


def test_celery_singleton_gives_the_result_of_the_call_that_waits(packages: Instrumented) -> None:
    packages.call(
        "first, second = single.delay(1), single.delay(1)\nassert first.id == second.id\nlet_go()\nassert second.get(timeout=30) == 1\n"
        "third = single.delay(1)\nassert third.id != first.id and third.get(timeout=30) == 1"
    )


def test_celery_progress_sees_states_and_ends(packages: Instrumented) -> None:
    packages.call(
        "import time\nrunning = advancing.delay(2)\ndeadline = time.monotonic() + 30\n"
        "while Progress(running).get_info()['state'] == 'PENDING' and time.monotonic() < deadline: time.sleep(0.01)\n"
        "info = Progress(app.AsyncResult(running.id)).get_info()\n"
        "assert (info['state'], info['progress']['percent'], info['progress']['description']) == ('PROGRESS', 50.0, 'half'), info\n"
        "let_go()\nrunning.get(timeout=30)\nassert Progress(running).get_info()['success'] is True\n"
        "failed = failing.delay()\nfailed.get(timeout=30, propagate=False)\ninfo = Progress(failed).get_info()\n"
        "assert (info['complete'], info['success'], info['result']) == (True, False, 'boo'), info"
    )


def test_the_agents_of_elastic_and_new_relic_see_tasks(tmp_path: Path) -> None:
    newrelic = {"NEW_RELIC_LICENSE_KEY": "0" * 40, "NEW_RELIC_APP_NAME": "watched", "NEW_RELIC_DEVELOPER_MODE": "true"}
    with running(tmp_path, "watched_tasks", **newrelic) as agents:
        agents.call(
            # New Relic's agent begins beside the first tasks.
            "import time\ndeadline = time.monotonic() + 30\nseen = [None, True]\n"
            "while seen == [None, True] and time.monotonic() < deadline: seen = watched.delay().get(timeout=30)\n"
            "assert seen == ['watched_tasks.watched', True], seen\nfailing.delay().get(timeout=30, propagate=False)"
        )
        said = agents.lines
        eventually(lambda: any(line["result"] == "FAILURE" for line in said()), "all is told", timeout=20, explain=lambda: repr(said()))
        told = said()

    assert {"transaction", "error"} == {line["name"] for line in told}
    # New Relic gives the task another module.
    ended = {(line["of"].rpartition(".")[2], line["result"]) for line in told if line["name"] == "transaction"}
    assert {("watched", "SUCCESS"), ("failing", "FAILURE")} == ended


def test_sphinx_documents_tasks(tmp_path: Path) -> None:
    if not (BIN.parent / ".installed").exists():
        lacking("no third parties here (make third-parties)")
    for name, text in {"conf.py": SPHINX_CONF, "index.rst": SPHINX_PAGE, "documented.py": SPHINX_TASKS}.items():
        (tmp_path / name).write_text(text)

    command = [str(BIN / "sphinx-build"), "-q", "-W", "-b", "text", str(tmp_path), str(tmp_path / "out")]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60 * PATIENCE)

    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / "out" / "index.txt").read_text()
    assert "(a task) documented.add(x: int, y: int = 2) -> int\n\n   Add two numbers." in page
    assert "(a task) documented.bound(name)" in page
    assert "left_out" not in page


def test_a_program_that_is_typed_by_celery_types_has_no_errors(tmp_path: Path) -> None:
    if not (BIN.parent / ".installed").exists():
        lacking("no third parties here (make third-parties)")
    shutil.copy(Path(__file__).parents[1] / "typing" / "celery_program.py", tmp_path)

    command = [str(BIN / "mypy"), "--strict", "--cache-dir", str(tmp_path / "cache"), "celery_program.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120 * PATIENCE)

    assert ended.returncode == 0, ended.stdout
