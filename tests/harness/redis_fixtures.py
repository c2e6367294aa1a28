"""Fixtures of the fault tests on Redis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import projects_with_logs
from tests.harness.redis_project import RedisProject

_FIGURES = os.environ.get("CELERIAC_FAULT_FIGURES", "")


@pytest.fixture
def make_redis_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RedisProject]]:
    """Make projects on Redis, each in a folder of its own."""
    made: list[RedisProject] = []

    def make(name: str = "project", **options: Any) -> RedisProject:
        folder = tmp_path / name
        folder.mkdir()
        made.append(RedisProject(folder, **options))
        projects_with_logs(request).append(made[-1])
        return made[-1]

    yield make
    for project in made:
        project.close()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Say what was measured: on the test's output, and in the file that CELERIAC_FAULT_FIGURES names."""

    def say(what: str, *facts: Any) -> None:
        line = f"{what}: " + ", ".join(_text(fact) for fact in facts)
        print(line)
        if _FIGURES:
            with Path(_FIGURES).open("a") as file:
                file.write(line + "\n")

    return say


def _text(fact: Any) -> str:
    if isinstance(fact, list):
        return f"resumed after {min(fact):.2f} to {max(fact):.2f} s ({len(fact)} times)"
    return str(fact)
