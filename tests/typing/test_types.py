"""The types that users see, checked with mypy in strict mode."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

CASES = Path(__file__).with_name("cases.py")
_MODULES = re.compile(r"\b(?:[a-z_]\w*\.)+(?=\w)")


@pytest.fixture(scope="module")
def answers() -> dict[int, list[str]]:
    output, errors, _ = api.run(["--strict", "--no-error-summary", "--hide-error-context", "--no-pretty", "--cache-dir", ".mypy_cache", str(CASES)])
    assert errors == ""
    found: dict[int, list[str]] = {}
    for line in output.splitlines():
        number, _, text = line.split(":", 1)[1].partition(":")
        found.setdefault(int(number), []).append(text.strip())
    return found


def expectations(mark: str) -> list[tuple[int, str]]:
    lines = CASES.read_text(encoding="utf-8").splitlines()
    return [(number, line.split(mark)[1].strip()) for number, line in enumerate(lines, 1) if mark in line and not line.startswith("``")]


@pytest.mark.timeout(300)
def test_expressions_have_the_types_that_are_written_beside_them(answers: dict[int, list[str]]) -> None:
    expected = dict(expectations("# is: "))
    revealed = {n: _MODULES.sub("", "".join(re.findall(r'Revealed type is "(.*)"', " ".join(answers.get(n, []))))) for n in expected}

    assert revealed == expected


@pytest.mark.timeout(300)
def test_wrong_calls_are_errors_and_right_ones_are_not(answers: dict[int, list[str]]) -> None:
    expected = dict(expectations("# error: "))
    errors = {n: code for n, texts in answers.items() for text in texts if text.startswith("error") for code in re.findall(r"\[([a-z-]+)\]$", text)}

    assert errors == expected


@pytest.mark.timeout(300)
def test_a_program_that_is_typed_for_celery_has_no_errors_by_the_types_of_the_drop_in(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("MYPYPATH", f"{root / 'src'}:{root / 'dropin' / 'src'}")
    program = CASES.with_name("celery_program.py")

    output, errors, status = api.run(["--strict", "--no-error-summary", "--no-pretty", "--cache-dir", ".mypy_cache/celery", str(program)])

    assert (status, output, errors) == (0, "", "")
