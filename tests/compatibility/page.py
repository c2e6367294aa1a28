"""The page that is made from the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.compatibility import around, client, schedules, stores, watching, workflows, working
from tests.compatibility.row import Row, Section
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "compatibility.md"

SECTIONS: Sequence[Section] = (
    *client.SECTIONS,
    *workflows.SECTIONS,
    *working.SECTIONS,
    *watching.SECTIONS,
    *schedules.SECTIONS,
    *stores.SECTIONS,
    *around.SECTIONS,
)

_HEAD = """\
<!-- Made by `make compatibility` from tests/compatibility. Do not edit this page: a row is added or changed there, with the tests that prove it. -->

# Compatibility with Celery

How version {version} stands to Celery 5.7, by the parts of Celery's public surface. **Same**: as Celery has it. **Better**: programs run unchanged
and gain something. **Different**: on purpose; read the remark. **Not yet**: absent; a missing attribute or import is an error of Python's, an option
or URL is refused by name, and what is accepted without effect is said so in the remark. What one meets first stands in
[Coming from Celery](../how-to/coming-from-celery.md).

Each row names the tests that prove it (in `tests/compatibility`), and a row none of whose tests has passed fails the build.
"""


def all_rows() -> Iterator[Row]:
    """Yield the rows of all sections."""
    return (row for section in SECTIONS for row in section.rows)


def page(version: str) -> str:
    """Return the text of the page."""
    parts = [_HEAD.format(version=version)]
    for section in SECTIONS:
        parts += [f"\n## {section.title}\n"]
        parts += [f"\n{section.intro}\n"] if section.intro else []
        parts += ["\n| part | | remark |\n|---|---|---|\n"]
        parts += [f"| {row.part} | {row.verdict} | {row.remark}{' ' if row.remark else ''}|\n" for row in section.rows]
    return "".join(parts)
