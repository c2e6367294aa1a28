"""The part of a run of the tests that holds the table to its word: hooks of pytest's, which ``tests/conftest.py`` brings in."""

from __future__ import annotations

import os

import pytest

from tests.compatibility.page import all_rows
from tests.compatibility.proofs import proof_of, unproved

_seen: set[str] = set()
_passed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note which tests were to run and which have passed."""
    proof = proof_of(report.nodeid)
    _seen.add(proof)
    if report.when == "call" and report.passed:
        _passed.add(proof)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run that leaves a row without its proof; where tests may be skipped because a peer is missing, only tell."""
    if not hasattr(session.config, "workerinput") and exitstatus == 0 and os.environ.get("CI") == "true" and _unproved():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the rows without proof."""
    for part, proof in _unproved():
        terminalreporter.write_line(f"Compatibility table: nothing has proved «{part}»: {proof} was skipped or failed")


def _unproved() -> list[tuple[str, str]]:
    return [(row.part, proof) for row, proof in unproved(all_rows(), _seen, _passed)]
