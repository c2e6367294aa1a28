"""Fixtures that the folders of real-process tests import into their conftest."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from tests.harness.project import Project

ROUNDS = int(os.environ.get("CELERIAC_FAULT_ROUNDS", "2"))
"""How often each kill is repeated; ``make fault`` and the bars of the project ask for 20."""

_WITH_LOGS: pytest.StashKey[list[Project]] = pytest.StashKey()


def projects_with_logs(request: pytest.FixtureRequest) -> list[Project]:
    """Return the projects whose workers' logs are shown when this test fails."""
    return request.node.stash.setdefault(_WITH_LOGS, [])


def _closing(request: pytest.FixtureRequest, project: Project) -> Iterator[Project]:
    request.node.stash.setdefault(_WITH_LOGS, []).append(project)
    try:
        yield project
    finally:
        project.close()


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Project]:
    """A project of this test's own."""
    yield from _closing(request, Project(tmp_path))


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with a running worker of two task processes that the tests of one module share."""
    for project in _closing(request, Project(tmp_path_factory.mktemp("shared"))):
        project.worker("-c", "2")
        yield project


@pytest.fixture
def make_project(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Callable[..., Project]]:
    """Make projects in folders of their own, each with its settings."""
    made: list[Project] = []

    def make(name: str = "project", **options: Any) -> Project:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Project(folder, **options))
        request.node.stash.setdefault(_WITH_LOGS, []).append(made[-1])
        return made[-1]

    yield make
    for project in made:
        project.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add the workers' logs to the report of a test that failed."""
    report: Any = yield
    if report.failed:
        module = item.getparent(pytest.Module)
        nodes = [item, *([module] if module else [])]
        for project in (p for node in nodes for p in node.stash.get(_WITH_LOGS, [])):
            report.sections.append((f"workers of {project.folder}", project.describe()))
    return report
