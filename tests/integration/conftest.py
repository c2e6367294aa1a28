from __future__ import annotations

from tests.harness.fixtures import make_project, project, pytest_runtest_makereport, shared

__all__ = ["make_project", "project", "pytest_runtest_makereport", "shared"]
