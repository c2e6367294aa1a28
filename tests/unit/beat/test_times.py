from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from celeriac.beat.times import humanize_seconds, make_aware, maybe_make_aware

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 1, 1, 12)


def test_naive_times_are_utc_or_of_the_zone() -> None:
    assert maybe_make_aware(NOON) == NOON.replace(tzinfo=UTC)
    assert maybe_make_aware(NOON, BERLIN) == NOON.replace(tzinfo=UTC)
    assert maybe_make_aware(NOON, "Europe/Berlin", naive_as_utc=False) == NOON.replace(tzinfo=BERLIN)
    assert make_aware(NOON, BERLIN) == NOON.replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "now"), (1, "in 1.00 second"), (90, "in 1.50 minutes"), (7200, "in 2.00 hours"), (86400, "in 1.00 day")]
)
def test_seconds_are_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert humanize_seconds(seconds, "in ") == words
