"""A row of the table: a part of Celery's surface, how we stand to it, and the tests that prove it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SAME, BETTER, DIFFERENT, NOT_YET = VERDICTS = ("same", "better", "different", "not yet")


@dataclass(frozen=True)
class Row:
    """A part of Celery's surface. A proof is a file of tests, or a test (``file::test``), as seen from the folder ``tests``."""

    part: str
    verdict: str
    remark: str
    proofs: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Rows that belong together, under one heading, with a sentence before them where one is wanted."""

    title: str
    intro: str
    rows: tuple[Row, ...]


def row(part: str, verdict: str, remark: str = "", *proofs: str) -> Row:
    """Return a row. Only what is not there yet needs no proof."""
    return Row(part, verdict, remark, proofs)


def section(title: str, *, rows: Sequence[Row], intro: str = "") -> Section:
    """Return a section of the page."""
    return Section(title, intro, tuple(rows))
