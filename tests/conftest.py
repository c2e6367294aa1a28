"""What holds for all tests."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.compatibility.verdicts import pytest_runtest_logreport, pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_logreport", "pytest_sessionfinish", "pytest_terminal_summary"]

TESTS = Path(__file__).parent
AGAINST_THE_CLOCK = tuple(str(TESTS / name) for name in ("fault", "integration", "interop", "conformance", "house", "django"))

# Who starts the tests in the background (nohup, &) may have these ignored, and so would every worker that the tests start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with real processes measure time on machines that others share: one that fails is tried twice more, and the report says so (R)."""
    for item in items:
        if str(item.path).startswith(AGAINST_THE_CLOCK):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))
