"""Fixtures for tests with pytest, for `pytest_plugins = ("celery.contrib.pytest",)`."""

from __future__ import annotations

from celeriac.testing.pytest_plugin import (
    NO_WORKER,
    celery_app,
    celery_class_tasks,
    celery_config,
    celery_enable_logging,
    celery_includes,
    celery_parameters,
    celery_session_app,
    celery_session_worker,
    celery_worker,
    celery_worker_parameters,
    celery_worker_pool,
    depends_on_current_app,
    pytest_configure,
    use_celery_app_trap,
)
from celery._remedies import refusals

__all__ = [
    "NO_WORKER",
    "celery_app",
    "celery_class_tasks",
    "celery_config",
    "celery_enable_logging",
    "celery_includes",
    "celery_parameters",
    "celery_session_app",
    "celery_session_worker",
    "celery_worker",
    "celery_worker_parameters",
    "celery_worker_pool",
    "depends_on_current_app",
    "pytest_configure",
    "use_celery_app_trap",
]

__getattr__ = refusals(__name__)
