"""Turns the statements into the text of a dialect, once, when they change: ``python -m celeriac.drivers.sql.compile``.

The text is part of the package because importing SQLAlchemy takes a quarter of a second, which every client and every worker on the
embedded default would pay before its first task. A test compares the text with the statements.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from celeriac.drivers.sql import schema
from celeriac.drivers.sql.statements import statements

SQLITE_TEXTS = Path(__file__).with_name("texts_sqlite.py")


def sqlite_module() -> str:
    """Return the source of ``texts_sqlite``."""
    dialect: Any = sqlite.dialect(paramstyle="qmark")
    lines = ['"""SQLite\'s text of the tables and statements. Written by ``python -m celeriac.drivers.sql.compile``: do not edit."""', ""]
    lines += ["from __future__ import annotations", "", "TABLES = ("]
    for table in schema.metadata.sorted_tables:
        lines += [*_quoted(str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)), "    "), ""]
        lines[-2:] = [lines[-2] + ","]
        for index in table.indexes:
            lines += [*_quoted(str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect)), "    "), ""]
            lines[-2:] = [lines[-2] + ","]
    lines += [")", "", "TEXTS = {"]
    for name, statement in statements(sqlite.insert).items():
        text, parameters = _with_constants(statement.compile(dialect=dialect))  # type: ignore[attr-defined]
        lines += [f'    "{name}": (  # {", ".join(parameters) or "no parameters"}', *_quoted(text, "        "), "    ),"]
    return "\n".join([*lines, "}", ""])


def _with_constants(compiled: Any) -> tuple[str, list[str]]:
    """Return the text with constants written out, and the names of the parameters that are left."""
    pieces = str(compiled).split("?")
    text, parameters = pieces[0], []
    for name, piece in zip(compiled.positiontup, pieces[1:], strict=True):
        value = compiled.params[name]
        if value is None:
            parameters.append(name)
        text += ("?" if value is None else f"'{value}'" if isinstance(value, str) else str(int(value))) + piece
    return text, parameters


def _quoted(text: str, indent: str) -> list[str]:
    words = " ".join(text.split())
    return [f'{indent}"{line}"' for line in wrap(words, 130 - len(indent), drop_whitespace=False, break_long_words=False)]


if __name__ == "__main__":
    SQLITE_TEXTS.write_text(sqlite_module(), encoding="utf-8")
