"""Which proofs exist, and which rows a run of the tests left without one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from tests.compatibility.row import Row
from tests.house.tree import ROOT, functions, parsed

TESTS = ROOT / "tests"


def proof_of(node_id: str) -> str:
    """Return the proof that a test of pytest's counts for: its file and function, without class and parameters."""
    file, _, rest = node_id.partition("::")
    return f"{file.removeprefix('tests/')}::{rest.partition('[')[0].rpartition('::')[2]}"


@cache
def tests_of(file: str) -> frozenset[str]:
    """Return the names of the tests that stand in a file, or that its classes may inherit; none where there is no such file."""
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    of_suites = any(getattr(node, "module", None) == "celeriac.testing.conformance" for node in parsed(path).body)
    return frozenset(each.name for each in functions(path) if each.name.startswith("test_")) | ({"(of a suite)"} if of_suites else set())


def missing(proof: str) -> bool:
    """Return whether no such test exists."""
    file, _, name = proof.partition("::")
    return name not in tests_of(file) if name else not tests_of(file)


def unproved(rows: Iterable[Row], seen: Iterable[str], passed: Iterable[str]) -> list[tuple[Row, str]]:
    """Return the rows with a proof that was to run (is among the seen) and of which nothing has passed, each with that proof."""
    ran, good = _with_files(seen), _with_files(passed)
    return [(row, proof) for row in rows for proof in row.proofs if proof in ran and proof not in good]


def _with_files(tests: Iterable[str]) -> set[str]:
    return {name for test in tests for name in (test, test.partition("::")[0])}
