"""What a test learns by ``celeriac.testing`` is what a worker does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.project import SAMPLE, Project
from tests.harness.redis_server import RedisServer, running

pytest.importorskip("redis")
MAIN = "import tasks; tasks.main()"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, module=SAMPLE.with_name("outcomes.py"))
    yield made
    made.close()


def test_calls_of_all_kinds_come_to_the_same_as_with_a_worker_on_redis(project: Project, server: RedisServer) -> None:
    url = f"redis://127.0.0.1:{server.port}/0"
    project.worker("-c", "4", "-Q", "celery,sums,elsewhere", env={"OUTCOMES_STORE": url})

    real = project.python("-c", MAIN, "real", timeout=90.0, OUTCOMES_STORE=url)
    virtual = project.python("-c", MAIN, "virtual", timeout=60.0, OUTCOMES_STORE=url)

    assert 0 == real.returncode, real.stderr + project.describe()
    assert 0 == virtual.returncode, virtual.stderr
    assert json.loads(real.stdout) == json.loads(virtual.stdout)
