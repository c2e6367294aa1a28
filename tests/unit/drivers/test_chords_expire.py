"""What stores without a clock of their own keep of chords that never come to their end."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path
from typing import Any

import pytest

from celeriac.drivers.registry import open_backend
from celeriac.lib.clock import ManualClock
from celeriac.model.record import ChordPart

MONTH = 31 * 86_400.0


def part(index: int, group: str) -> ChordPart:
    return ChordPart(group, index, f"{group}-{index}", "SUCCESS", 3, b"[]", False, 60.0, b"[]", 0)


def left(backend: Any, file: Path) -> int:
    if not file.exists():
        return len(backend.results.chords)
    with sqlite3.connect(file) as store:
        return sum(store.execute(f"select count(*) from celeriac_{table}").fetchone()[0] for table in ("chord", "chord_part"))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_is_left_of_a_chord_that_never_ended_or_ended_long_ago(tmp_path: Path, kind: str) -> None:
    clock, file = ManualClock(), tmp_path / "store.sqlite3"
    url = f"db+sqlite:///{file}" if kind == "sqlite" else f"cache+memory://{uuid.uuid4().hex}"
    backend: Any = open_backend(url, options={"clock": clock})
    backend.count([part(0, "never"), part(0, "long ago"), part(1, "long ago"), part(2, "long ago")])
    backend.done(["long ago"])

    backend.cleanup()
    assert left(backend, file) >= 2

    clock.advance(MONTH)
    backend.cleanup()
    assert left(backend, file) == 0
