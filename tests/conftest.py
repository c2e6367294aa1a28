"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compatibility.verdicts import pytest_runtest_logreport, pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_logreport", "pytest_sessionfinish", "pytest_terminal_summary"]

TESTS = Path(__file__).parent
AGAINST_THE_CLOCK = tuple(str(TESTS / name) for name in ("fault", "integration", "interop", "conformance", "house", "django"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with real processes measure time on machines that others share: one that fails is tried twice more, and the report says so (R)."""
    for item in items:
        if str(item.path).startswith(AGAINST_THE_CLOCK):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))
