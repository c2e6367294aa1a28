"""What ruff and mypy do not look for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import PROGRAM_FOLDERS, ROOT, functions, parsed, place, python_files, text_files

FORBIDDEN_MODULE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
CELERYS_OWN = {"dropin"}
"""The drop-in re-exports under Celery's module names, ``celery.utils`` among them."""
PROMISES = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|raise NotImplemented" r"Error)\b")
OUTSIDE = re.compile("|".join(["/wo" "rk/", "farm-" r"\w+", r"\.libr" "ary", r"(?:index|mirror)[-_]url", r"https?://[^\s)>\"']*(?:mirror|simple/)"]))


def _modules() -> Iterator[Path]:
    return (path for path in python_files("src", "benchmarks", "examples"))


def test_every_module_postpones_the_evaluation_of_annotations() -> None:
    without = [
        place(path)
        for path in python_files(*PROGRAM_FOLDERS)
        if any(isinstance(node, _ANNOTATED) for node in ast.walk(parsed(path))) and "from __future__ import annotations" not in path.read_text()
    ]

    assert [] == without


def test_no_module_is_named_after_nothing() -> None:
    assert [] == [place(path) for path in _modules() if FORBIDDEN_MODULE_NAMES & {path.stem, *path.relative_to(ROOT).parts}]


def test_no_function_imports_first_party_code() -> None:
    found = [
        place(path, node.lineno)
        for path in python_files("src")
        for function in functions(path)
        for node in ast.walk(function)
        if (isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "celeriac"))
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "celeriac" for alias in node.names))
    ]

    assert [] == found


def test_no_import_is_relative() -> None:
    found = [
        place(path, node.lineno)
        for path in python_files("src", "dropin")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert [] == found


def test_no_handler_swallows_every_exception_in_silence() -> None:
    found = [
        place(path, handler.lineno)
        for path in python_files(*PROGRAM_FOLDERS)
        for handler in ast.walk(parsed(path))
        if isinstance(handler, ast.ExceptHandler) and _catches_everything(handler) and all(_does_nothing(node) for node in handler.body)
    ]

    assert [] == found


def test_nothing_is_promised_for_later() -> None:
    found = [
        place(path, number)
        for path in python_files(*PROGRAM_FOLDERS)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PROMISES.search(line)
    ]

    assert [] == found


def test_nothing_names_the_place_where_it_was_written() -> None:
    found = [
        f"{place(path, number)}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if OUTSIDE.search(line)
    ]

    assert [] == found


@pytest.mark.parametrize("path", python_files("src"), ids=place)
def test_public_names_say_what_they_are(path: Path) -> None:
    """A module, and each public class and function at its top, has a docstring."""
    module = parsed(path)
    missing = [] if ast.get_docstring(module) or not module.body else [place(path)]
    missing += [
        f"{place(path, node.lineno)} {node.name}"
        for node in module.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not _is_overload(node)
    ]

    assert [] == missing


_ANNOTATED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)


def _is_overload(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id in {"Exception", "BaseException"})


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass | ast.Continue) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
