"""The source files that the house rules speak of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "celeriac"
PROGRAM_FOLDERS = ("src", "dropin", "benchmarks", "examples")
ALL_FOLDERS = (*PROGRAM_FOLDERS, "tests", "docs", ".ci")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".cfg", ".json", ".sql", ".yml", ".yaml", ""}
_NOT_OURS = {"__pycache__", ".celeriac", ".mypy_cache", ".ruff_cache", "build", "dist"}


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Return the Python files in the named folders of the repository."""
    return tuple(sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if not _NOT_OURS & set(path.parts)))


def text_files() -> Iterator[Path]:
    """Yield every text file of the repository that people wrote."""
    for folder in ALL_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in TEXT_SUFFIXES and not _NOT_OURS & set(path.parts):
                yield path
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in TEXT_SUFFIXES)


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield a file's functions, nested ones too."""
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def place(path: Path, line: int = 0) -> str:
    """Return where something is, as an editor takes it."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))
