"""Applications for tests."""

from __future__ import annotations

from celeriac.testing.app import DEFAULT_TEST_CONFIG, TestApp, Trap, set_trap, setup_default_app
from celery._remedies import refusals

__all__ = ["DEFAULT_TEST_CONFIG", "TestApp", "Trap", "set_trap", "setup_default_app"]

__getattr__ = refusals(__name__)
