from __future__ import annotations

from tests.harness.fixtures import make_project, project, pytest_runtest_makereport, shared
from tests.interop.fleet_fixtures import fleet, own, redis_server
from tests.interop.peer import celery

__all__ = ["celery", "fleet", "make_project", "own", "project", "pytest_runtest_makereport", "redis_server", "shared"]
