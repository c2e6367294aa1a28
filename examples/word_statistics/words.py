"""The tasks: each reads one source file and counts its words. No broker is named, so the embedded default is used."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from celeriac import Celeriac

app = Celeriac("words")

WORD = re.compile(r"[A-Za-z]{3,}")


@app.task
def count_words(path: str) -> dict[str, int]:
    """Return how often each word of three letters or more occurs in a file."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return dict(Counter(word.lower() for word in WORD.findall(text)))
