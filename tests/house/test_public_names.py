"""What celeriac offers at its top, and in which version."""

from __future__ import annotations

import re
import tomllib

import celeriac
from tests.house.tree import ROOT


def test_all_public_names_exist_and_are_sorted() -> None:
    assert sorted(celeriac.__all__) == list(celeriac.__all__)
    assert [] == [name for name in celeriac.__all__ if not hasattr(celeriac, name)]


def test_what_celery_exports_at_its_top_is_there_as_far_as_it_exists() -> None:
    exported = {"Celeriac", "Task", "current_app", "current_task", "shared_task", "signature", "maybe_signature", "chain", "uuid", "__version__"}

    assert set() == exported - set(dir(celeriac))


def test_the_version_is_one_and_the_changelog_names_it() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## ([\w.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert declared == celeriac.__version__
    assert newest is not None
    assert declared == newest.group(1)
