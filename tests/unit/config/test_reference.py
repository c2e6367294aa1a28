from __future__ import annotations

from pathlib import Path

from celeriac.config.reference import markdown
from celeriac.config.table import SETTINGS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def test_the_page_of_the_documentation_is_the_table() -> None:
    assert markdown() == PAGE.read_text(encoding="utf-8"), "run: python -m celeriac.config.reference > docs/reference/settings.md"


def test_the_page_names_every_setting() -> None:
    page = markdown()

    assert [] == [name for name in SETTINGS if f"| `{name}` |" not in page]
