from __future__ import annotations

from tests.harness.fixtures import make_project, project, pytest_runtest_makereport, shared
from tests.harness.redis_fixtures import figures, make_redis_project

__all__ = ["figures", "make_project", "make_redis_project", "project", "pytest_runtest_makereport", "shared"]
