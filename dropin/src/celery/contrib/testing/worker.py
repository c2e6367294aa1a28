"""A worker inside of a test."""

from __future__ import annotations

from celeriac.testing.worker import TestWorkController, start_worker, test_worker_started, test_worker_starting, test_worker_stopped
from celery._remedies import refusals

__all__ = ["TestWorkController", "start_worker", "test_worker_started", "test_worker_starting", "test_worker_stopped"]

__getattr__ = refusals(__name__)
