"""The tasks. No broker is named, so the web server and the worker meet in an embedded file beside this module."""

from __future__ import annotations

import time
from typing import Any

from celeriac import Celeriac

app = Celeriac("reports")


@app.task
def add(x: int, y: int) -> int:
    """Return a sum: a task so short that a request can wait for it."""
    return x + y


@app.task(bind=True)
def write_report(self: Any, rows: int, pause: float = 0.02) -> dict[str, int]:
    """Write a report row by row, and say after each how far it is."""
    total = 0
    for row in range(1, rows + 1):
        time.sleep(pause)
        total += row
        self.update_state(state="PROGRESS", meta={"done": row, "total": rows})
    return {"rows": rows, "total": total}


@app.task
def make_page(number: int, pause: float = 0.02) -> str:
    """Make one page of a book."""
    time.sleep(pause)
    return f"page {number}"
